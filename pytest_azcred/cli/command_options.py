"""The options that `azcred run` and `azcred shell` share."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from pytest_azcred.cli.commands import CommandError, file_error

_ACCOUNT = re.compile("[a-z0-9]{3,24}")


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare them."""
    command.add_argument(
        "-e",
        "--environment",
        action="append",
        default=[],
        metavar="NAME",
        help="where the command runs; several combine, and the order of the chain decides which identity wins "
        "(default: nothing)",
    )
    command.add_argument(
        "--azurite",
        action="append",
        default=[],
        metavar="ACCOUNT",
        help="let Azurite answer for this storage account, at ACCOUNT.blob.core.windows.net; may be repeated",
    )
    command.add_argument(
        "--route",
        action="append",
        default=[],
        metavar="HOST=URL",
        help="let a local server answer for a real host, such as orders.contoso.com=http://127.0.0.1:8080; may be "
        "repeated",
    )
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="a TOML file with directory, faults and resources, as for `azcred serve`",
    )
    command.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="NAME",
        help="do not hide this variable, such as AZURE_TENANT_ID, from the command; may be repeated",
    )
    command.add_argument("-q", "--quiet", action="store_true", help="print no summary of the requests")
    command.add_argument("--journal", type=Path, metavar="FILE", help="write every request, one JSON object a line")


def run_in_environments(command: Sequence[str], options: argparse.Namespace) -> int:
    """Run a command as the options say and return its exit code."""
    for account in options.azurite:
        if not _ACCOUNT.fullmatch(account):
            raise CommandError(
                f"a storage account's name has 3 to 24 lower-case letters and digits, unlike {account!r}"
            )
    from azcred_emulators.standalone.configuration import load
    from pytest_azcred.cli.emulated_command import run
    from pytest_azcred.redirect.own_route import own_route

    try:
        routes = [own_route(host, to) for host, _, to in (text.partition("=") for text in options.route)]
    except ValueError as error:
        raise CommandError(f"--route: {error}") from None
    try:
        return run(
            command,
            options.environment,
            quiet=options.quiet,
            journal=options.journal,
            accounts=options.azurite,
            routes=routes,
            keep=options.keep,
            configuration=load(options.config) if options.config else None,
        )
    except (LookupError, ValueError) as error:
        raise CommandError(error.args[0]) from None
    except RuntimeError as error:  # Azurite does not start
        raise CommandError(error, 1) from None
    except OSError as error:
        if error.filename is None:  # no file, but a port
            raise CommandError(f"the emulators cannot listen on this machine: {error.strerror or error}", 1) from None
        raise file_error(error) from None
