"""`azcred env`: the variables with which a process finds a server."""

import argparse
import os

from azcred_emulators.environments import ENVIRONMENTS, select
from pytest_azcred.cli.commands import CommandError, Commands
from pytest_azcred.cli.server_options import add_options, control_client
from pytest_azcred.cli.variable_formats import FORMATS


def add_command(commands: Commands) -> None:
    """Declare `azcred env`."""
    command = commands.add_parser(
        "env",
        help="print the variables with which a process finds a server",
        description="Put a server into environments and print the variables of a process there.",
        epilog=f"environments: {', '.join(ENVIRONMENTS)}",
    )
    command.add_argument("-e", "--environment", action="append", default=[], metavar="NAME", help="may be repeated")
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="shell",
        help="for `eval`, a file, GITHUB_ENV or a program (default: shell)",
    )
    add_options(command)
    command.set_defaults(call=_env)


def _env(options: argparse.Namespace) -> int:
    try:
        environments = select(*options.environment)
    except LookupError as error:
        raise CommandError(error.args[0]) from None
    with control_client(options) as client:
        names = [environment.name for environment in environments]
        path = os.environ.get("PATH", os.defpath)
        process = client.put("/environments", {"environments": names, "environ": {"PATH": path}})
    try:
        variables = {**process["environ"], **dict.fromkeys(process["unset"])}
    except (LookupError, TypeError):
        raise CommandError(f"the server at {options.server} is no azcred server: it returns no variables", 1) from None
    print(FORMATS[options.format](variables))
    return 0
