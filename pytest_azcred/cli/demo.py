"""`azcred demo`: which provider wins in each environment."""

import argparse

from pytest_azcred.cli.commands import Commands


def add_command(commands: Commands) -> None:
    """Declare `azcred demo`."""
    command = commands.add_parser(
        "demo",
        help="show which provider wins in each environment, with azure-identity and our own chain",
        description="Show DefaultAzureCredential in every environment, a token that expires, and a fallback.",
    )
    command.set_defaults(call=_demo)


def _demo(_: argparse.Namespace) -> int:
    from pytest_azcred.cli.demonstration import demonstrate

    demonstrate()
    return 0
