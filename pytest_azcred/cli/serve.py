"""The commands `azcred serve`, `azcred env` and `azcred ca`."""

import argparse
import gc
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azcred_emulators.environments import ENVIRONMENTS

if TYPE_CHECKING:
    from azcred_emulators.standalone.control.client import Client

Variables = Mapping[str, str | None]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `azcred serve`, `azcred env` and `azcred ca`."""
    serve = commands.add_parser(
        "serve",
        help="run the emulators as a server, for apps and tests of any language",
        description="Serve the emulators until a signal ends it. One port is for HTTP, the control API and its pages, "
        "the other for HTTPS under the real names; either is the proxy as well. They are free ones on loopback "
        "unless told otherwise.",
    )
    serve.add_argument("--config", type=Path, metavar="FILE", help="a TOML file: directory, faults, ports; see README")
    serve.add_argument("--address", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    serve.add_argument("--http-port", type=int, metavar="PORT", help="default: a free one")
    serve.add_argument("--https-port", type=int, metavar="PORT", help="default: a free one")
    serve.add_argument(
        "--key",
        metavar="KEY",
        default=os.environ.get("AZCRED_KEY"),
        help="what other machines must send to the control API (default: the variable AZCRED_KEY)",
    )
    serve.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="write the addresses there, as JSON, once it is ready"
    )
    serve.add_argument("--ca-file", type=Path, metavar="FILE", help="write the certificate authority to trust there")
    serve.set_defaults(call=_serve)
    env = commands.add_parser(
        "env",
        help="print the variables with which a process finds a server",
        description="Put a server into environments and print the variables of a process there.",
        epilog=f"environments: {', '.join(ENVIRONMENTS)}",
    )
    env.add_argument("-e", "--environment", action="append", default=[], metavar="NAME", help="may be repeated")
    env.add_argument(
        "--format",
        choices=FORMATS,
        default="shell",
        help="for `eval`, a file, GITHUB_ENV or a program (default: shell)",
    )
    env.set_defaults(call=_env)
    ca = commands.add_parser(
        "ca",
        help="print the certificate authority that a server's clients must trust",
        description="Print the certificate authority of a server, in PEM form.",
    )
    ca.set_defaults(call=_ca)
    for command in (env, ca):
        command.add_argument("--server", required=True, metavar="URL", help="the server's HTTP address")
        command.add_argument(
            "--key", metavar="KEY", default=os.environ.get("AZCRED_KEY"), help="the key of a server on another machine"
        )


def _serve(options: argparse.Namespace) -> int:
    gc.disable()  # until everything is imported, none of which is garbage: this saves a tenth of the start
    from azcred_emulators.standalone.configuration import Configuration, load
    from azcred_emulators.standalone.server import Standalone
    from pytest_azcred.cli.signals import Signals
    from pytest_azcred.cli.watchdog import Watchdog

    signals = Signals("SIGINT", "SIGTERM", "SIGHUP")
    try:
        configuration = load(options.config) if options.config else Configuration()
        given = {name: getattr(options, name) for name in ("address", "http_port", "https_port", "key")}
        server = Standalone(
            replace(configuration, **{name: value for name, value in given.items() if value is not None})
        )
        files = [file.absolute() for file in (options.ready_file, options.ca_file) if file]
        watchdog = Watchdog(server.main.emulators.folder, *files)
        try:
            with server:
                if options.ca_file:
                    options.ca_file.write_text(server.certificate_authority.pem)
                if options.ready_file:
                    server.write_ready_file(options.ready_file.absolute())
                _announce(server.main.describe(), configuration.key or options.key)
                _ = server.main.emulators.tokens  # waits until they are imported
                gc.enable()
                signals.next()
        finally:
            for file in files:
                file.unlink(missing_ok=True)
            watchdog.dismiss()
    except (OSError, OverflowError, ValueError) as error:
        print(f"azcred: {error}", file=sys.stderr)
        return 1
    finally:
        gc.enable()
    return 0


def _announce(session: Mapping[str, Any], key: str | None) -> None:
    """Tell where the server is; the first line is for programs as well."""
    print(f"azcred: ready at {session['http']} and {session['https']}")
    print(f"  a page with everything       {session['http']}/")
    print(f"  variables of an environment  azcred env --environment kubernetes --server {session['http']}")
    if key is None and not session["http"].startswith(("http://127.", "http://[::1]")):
        print("  other machines cannot control it: no --key was given")
    sys.stdout.flush()


def _env(options: argparse.Namespace) -> int:
    def answer(client: "Client") -> str:
        place = client.put("/environments", {"names": options.environment, "environ": {"PATH": os.environ["PATH"]}})
        return FORMATS[options.format]({**place["connection"], **place["variables"]})

    return _ask(options, answer)


def _ca(options: argparse.Namespace) -> int:
    return _ask(options, lambda client: str(client.get("/ca")).rstrip())


def _ask(options: argparse.Namespace, answer: Callable[["Client"], str]) -> int:
    from azcred_emulators.standalone.control.client import Client, ServerError

    try:
        print(answer(Client(options.server, options.key)))
    except ServerError as error:
        print(f"azcred: {error}", file=sys.stderr)
        return 1
    return 0


def _shell(variables: Variables) -> str:
    """Write commands for `eval "$(azcred env ...)"`."""
    return "\n".join(
        f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}" for name, value in variables.items()
    )


def _dotenv(variables: Variables) -> str:
    """Write a file that Docker Compose, dotenv libraries and `set -a` read; what is removed cannot be said there."""
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in variables.items() if value is not None)


def _github(variables: Variables) -> str:
    """Write what is appended to the file GITHUB_ENV. Source: GitHub's "Workflow commands", multiline strings."""
    return "\n".join(f"{name}<<azcred-end\n{value or ''}\nazcred-end" for name, value in variables.items())


def _json(variables: Variables) -> str:
    return json.dumps(variables, indent=2)


FORMATS: Mapping[str, Callable[[Variables], str]] = {
    "shell": _shell,
    "dotenv": _dotenv,
    "github": _github,
    "json": _json,
}
