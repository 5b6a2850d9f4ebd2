"""The commands `azcred run` and `azcred shell`."""

import argparse
import os
import sys
from pathlib import Path

from azcred_emulators.environments import ENVIRONMENTS


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `azcred run` and `azcred shell`."""
    run = commands.add_parser(
        "run",
        help="run a command where it finds an identity, in whatever language it is written",
        usage="%(prog)s [options] -- command [argument ...]",
        description="Run a command in an environment such as kubernetes, with the emulators in the place of Azure. "
        "It finds them by its variables (proxy, certificate authority, endpoints), on PATH and in files; Python "
        "processes are redirected whatever client they use. This machine's own identity is hidden and nothing is "
        "left behind. The exit code is the command's, 128+n if the signal n has ended it.",
        epilog=f"environments: {', '.join(ENVIRONMENTS)}",
    )
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="command", help="the command and its arguments")
    shell = commands.add_parser(
        "shell",
        help="open a shell in an environment",
        description="Open your shell in an environment, as `azcred run` does for a command.",
        epilog=f"environments: {', '.join(ENVIRONMENTS)}",
    )
    for command in (run, shell):
        command.add_argument(
            "-e",
            "--environment",
            action="append",
            default=[],
            metavar="NAME",
            help="where the command runs; several compose, and the chain's order decides who wins (default: nothing)",
        )
        command.add_argument(
            "--azurite",
            action="append",
            default=[],
            metavar="ACCOUNT",
            help="let Azurite answer for this storage account, at ACCOUNT.blob.core.windows.net; may be repeated",
        )
        command.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            help="a TOML file with directory, faults and resources, as for `azcred serve`",
        )
        command.add_argument("-q", "--quiet", action="store_true", help="do not tell who asked for what")
        command.add_argument("--journal", type=Path, metavar="FILE", help="write every request, one JSON object a line")
        command.set_defaults(call=_run)


def _run(options: argparse.Namespace) -> int:
    from azcred_emulators.standalone.configuration import load
    from pytest_azcred.cli.run import CommandFailed, run

    if options.command == "shell":
        words = [os.environ.get("SHELL", "/bin/sh")]
    else:
        words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        print("azcred: name the command to run: azcred run --environment kubernetes -- python app.py", file=sys.stderr)
        return 2
    try:
        return run(
            words,
            options.environment,
            quiet=options.quiet,
            journal=options.journal,
            accounts=options.azurite,
            configuration=load(options.config) if options.config else None,
        )
    except CommandFailed as error:
        print(f"azcred: {error}", file=sys.stderr)
        return error.exit_code
    except (LookupError, ValueError) as error:
        print(f"azcred: {error.args[0]}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"azcred: {error.filename} cannot be used: {error.strerror}", file=sys.stderr)
        return 2
