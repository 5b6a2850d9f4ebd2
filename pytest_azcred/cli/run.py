"""`azcred run`: any command, in environments of the table."""

import argparse

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.cli.command_options import add_options, run_in_environments
from pytest_azcred.cli.commands import CommandError, Commands


def add_command(commands: Commands) -> None:
    """Declare `azcred run`."""
    command = commands.add_parser(
        "run",
        help="run a command, in any language, in an environment where it finds an identity",
        usage="%(prog)s [options] -- command [argument ...]",
        description="Run a command in an environment such as kubernetes, with the emulators in the place of Azure. "
        "It finds them by its variables (proxy, certificate authority, endpoints), on PATH and in files; Python "
        "processes are redirected whatever client they use. This machine's own identity is hidden and nothing is "
        "left behind. The exit code is that of the command, or 128+n if signal n has ended it.",
        epilog=f"environments: {', '.join(ENVIRONMENTS)}",
    )
    command.add_argument("words", nargs=argparse.REMAINDER, metavar="command", help="the command and its arguments")
    add_options(command)
    command.set_defaults(call=_run)


def _run(options: argparse.Namespace) -> int:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise CommandError("name the command to run: azcred run --environment kubernetes -- python app.py")
    return run_in_environments(words, options)
