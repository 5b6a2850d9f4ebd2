"""The `azcred` command."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 if the command failed, 2 if it was called wrongly."""
    parser = argparse.ArgumentParser(
        prog="azcred", description="Every place an Azure app can find its identity, on this machine and offline."
    )
    parser.add_argument("--version", action="version", version=f"azcred {version('pytest-azcred')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser(
        "demo",
        help="show which provider wins in each environment, with azure-identity and our own chain",
        description="Show DefaultAzureCredential in every environment, a token that expires, and a fallback.",
    )
    parser.parse_args(arguments)
    return _demo()


def _demo() -> int:
    from pytest_azcred import demo

    try:
        demo.run()
    except RuntimeError as error:
        print(f"azcred: {error}", file=sys.stderr)
        return 1
    return 0
