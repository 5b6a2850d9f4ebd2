"""`azcred ca`: the certificate authority that a server's clients must trust."""

import argparse

from pytest_azcred.cli.commands import Commands
from pytest_azcred.cli.server_options import add_options, control_client


def add_command(commands: Commands) -> None:
    """Declare `azcred ca`."""
    command = commands.add_parser(
        "ca",
        help="print the certificate authority that a server's clients must trust",
        description="Print the certificate authority of a server, in PEM form.",
    )
    add_options(command)
    command.set_defaults(call=_ca)


def _ca(options: argparse.Namespace) -> int:
    with control_client(options) as client:
        print(client.certificate_authority().rstrip())
    return 0
