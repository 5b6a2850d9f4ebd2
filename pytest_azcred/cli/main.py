"""The `azcred` command."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from pytest_azcred.cli import coverage, matrix, run_command, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 if the command failed, 2 if it was called wrongly."""
    parser = argparse.ArgumentParser(
        prog="azcred", description="Every place an Azure app can find its identity, on this machine and offline."
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser(
        "demo",
        help="show which provider wins in each environment, with azure-identity and our own chain",
        description="Show DefaultAzureCredential in every environment, a token that expires, and a fallback.",
    )
    explain = commands.add_parser(
        "explain",
        help="show what DefaultAzureCredential finds on this machine, and what to do if that is nothing",
        description="Ask every credential of the chain for a token, on this machine and with its own identity, and "
        "show what each one found, asked and lacks. Neither secrets nor tokens are shown. The exit code is 0 if "
        "there is a token, 1 if there is none, 2 if a variable or the scope is malformed.",
    )
    explain.add_argument(
        "--scope",
        default="https://management.azure.com/.default",
        metavar="URL",
        help="what the token would be for (default: %(default)s)",
    )
    matrix.add_command(commands)
    coverage.add_command(commands)
    run_command.add_commands(commands)
    serve.add_commands(commands)
    options = parser.parse_args(arguments)
    if "call" in options:
        return int(options.call(options))
    if options.command == "explain":
        return _explain(options.scope)
    return _demo()


class _ShowVersion(argparse.Action):
    """Looks the version up when it is asked for: that takes longer than everything else the other commands import."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"azcred {version('pytest-azcred')}")
        parser.exit()


def _explain(scope: str) -> int:
    from pytest_azcred.credentials import DefaultAzureCredential

    try:
        with DefaultAzureCredential() as credential:
            explanation = credential.explain(scope)
    except (OSError, TypeError, ValueError) as error:  # a malformed variable or scope, or a certificate's file
        print(f"azcred: the credentials cannot be asked: {error}", file=sys.stderr)
        return 2
    print(explanation)
    return 0 if explanation.selected else 1


def _demo() -> int:
    from pytest_azcred.cli import demo

    try:
        demo.run()
    except RuntimeError as error:
        print(f"azcred: {error}", file=sys.stderr)
        return 1
    return 0
