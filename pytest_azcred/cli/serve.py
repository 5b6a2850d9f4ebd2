"""`azcred serve`: the emulators as a server."""

import argparse
import gc
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_azcred.cli.commands import CommandError, Commands, file_error

if TYPE_CHECKING:
    from azcred_emulators.standalone.configuration import Configuration


def add_command(commands: Commands) -> None:
    """Declare `azcred serve`."""
    command = commands.add_parser(
        "serve",
        help="run the emulators as a server, for apps and tests of any language",
        description="Serve the emulators until a signal ends it. One port is for HTTP, the control API and its pages, "
        "the other for HTTPS under the real names; both are also a proxy. By default they are free ports on loopback.",
    )
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="a TOML file with directory, faults and ports; the documentation shows one",
    )
    command.add_argument("--address", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    command.add_argument("--http-port", type=int, metavar="PORT", help="default: a free one")
    command.add_argument("--https-port", type=int, metavar="PORT", help="default: a free one")
    command.add_argument(
        "--key",
        metavar="KEY",
        default=os.environ.get("AZCRED_KEY"),
        help="what other machines must send to the control API (default: the variable AZCRED_KEY)",
    )
    command.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="write the addresses there, as JSON, once it is ready"
    )
    command.add_argument("--ca-file", type=Path, metavar="FILE", help="write the certificate authority to trust there")
    command.set_defaults(call=_serve)


def _serve(options: argparse.Namespace) -> int:
    gc.disable()  # until everything is imported, none of which is garbage: this saves a tenth of the start
    try:
        _serve_until_signal(options)
    except ValueError as error:
        raise CommandError(error) from None
    except BrokenPipeError:  # the reader of standard output has gone
        raise
    except OSError as error:
        if error.filename is None:  # no file, but a port
            raise CommandError(f"the server cannot listen: {error.strerror or error}", 1) from None
        raise file_error(error) from None
    finally:
        gc.enable()
    return 0


def _serve_until_signal(options: argparse.Namespace) -> None:
    from azcred_emulators.standalone.server import StandaloneServer
    from pytest_azcred.cli.signals import Signals
    from pytest_azcred.cli.watchdog import Watchdog

    configuration = _configuration(options)
    signals = Signals("SIGINT", "SIGTERM", "SIGHUP")
    server = StandaloneServer(configuration)
    written: list[Path] = []
    watchdog = Watchdog(server.main.emulators.folder)
    try:
        with server:
            writers = (
                (options.ca_file, server.write_certificate_authority),
                (options.ready_file, server.write_ready_file),
            )
            for path, write in writers:
                if path:
                    file = path.absolute()
                    watchdog.guard_file(file)
                    write(file)
                    written.append(file)
            _announce(server.main.describe(), configuration.key)
            _ = server.main.emulators.tokens  # waits until they are imported
            gc.enable()
            signals.next()
    finally:
        for file in written:
            with suppress(OSError):
                file.unlink()
        watchdog.dismiss()


def _configuration(options: argparse.Namespace) -> "Configuration":
    """Return what the file says, with what the options say in its place."""
    from azcred_emulators.standalone.configuration import Configuration, load

    configuration = load(options.config) if options.config else Configuration()
    names = ("address", "http_port", "https_port", "key")
    return replace(configuration, **{name: value for name in names if (value := getattr(options, name)) is not None})


def _announce(session: Mapping[str, Any], key: str | None) -> None:
    """Print where the server is; the first line is for programs as well."""
    print(f"azcred: ready at {session['http']} and {session['https']}")
    print(f"  a page with everything       {session['http']}/")
    print(f"  variables of an environment  azcred env --environment kubernetes --server {session['http']}")
    if not key and not session["http"].startswith(("http://127.", "http://[::1]")):
        print("  other machines cannot control it: no --key was given")
    sys.stdout.flush()
