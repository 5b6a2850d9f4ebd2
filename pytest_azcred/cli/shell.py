"""`azcred shell`: the user's shell, in environments of the table."""

import argparse
import os

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.cli.command_options import add_options, run_in_environments
from pytest_azcred.cli.commands import Commands


def add_command(commands: Commands) -> None:
    """Declare `azcred shell`."""
    command = commands.add_parser(
        "shell",
        help="open a shell in an environment",
        description="Open your shell in an environment, as `azcred run` does for a command.",
        epilog=f"environments: {', '.join(ENVIRONMENTS)}",
    )
    add_options(command)
    command.set_defaults(call=_open_shell)


def _open_shell(options: argparse.Namespace) -> int:
    return run_in_environments([os.environ.get("SHELL") or "/bin/sh"], options)
