"""The `azcred` command: the list of its verbs."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from pytest_azcred.cli import ca, coverage, demo, env, explain, matrix, run, serve, shell
from pytest_azcred.cli.commands import CommandError

_VERBS = (demo, explain, matrix, coverage, run, shell, serve, env, ca)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command and all of its verbs."""
    parser = argparse.ArgumentParser(
        prog="azcred", description="Every place an Azure app can find its identity, on this machine and offline."
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="command")
    for verb in _VERBS:
        verb.add_command(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 if the command failed, 2 if it was called wrongly."""
    options = make_parser().parse_args(arguments)
    try:
        exit_code = int(options.call(options))
        sys.stdout.flush()
    except CommandError as error:
        print(f"azcred: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130  # as a shell says that SIGINT has ended a command
    except BrokenPipeError:  # the reader has gone, such as `head`; the interpreter would flush once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return exit_code


class _ShowVersion(argparse.Action):
    """Looks the version up only for this option: that takes longer than all other imports of the command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"azcred {version('pytest-azcred')}")
        parser.exit()
