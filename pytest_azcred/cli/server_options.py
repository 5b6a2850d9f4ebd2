"""The options that `azcred env` and `azcred ca` share: which server to ask."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_azcred.cli.commands import CommandError

if TYPE_CHECKING:
    from azcred_emulators.standalone.control.client import ControlClient


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare them."""
    command.add_argument("--server", required=True, metavar="URL", help="the server's HTTP address")
    command.add_argument(
        "--key", metavar="KEY", default=os.environ.get("AZCRED_KEY"), help="the key of a server on another machine"
    )


@contextmanager
def control_client(options: argparse.Namespace) -> Iterator["ControlClient"]:
    """Give a client of the server's control API, whose errors are the command's."""
    from azcred_emulators.standalone.control.client import ControlClient, ServerError

    try:
        client = ControlClient(options.server, options.key)
    except ServerError as error:
        raise CommandError(error) from None
    try:
        yield client
    except ServerError as error:
        raise CommandError(error, 1) from None
