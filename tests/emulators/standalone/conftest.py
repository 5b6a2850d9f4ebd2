"""A server that runs in this process, and a client of its control API."""

from collections.abc import Iterator

import pytest

from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.control.client import Client
from azcred_emulators.standalone.server import Standalone


@pytest.fixture(scope="session")
def running() -> Iterator[Standalone]:
    """The server that the tests of this run share."""
    with Standalone(Configuration()) as server:
        yield server


@pytest.fixture
def server(running: Standalone) -> Iterator[Standalone]:
    """A server in the state at its start."""
    yield running
    for name in [name for name in running.sessions if name != "main"]:
        running.close(name)
    running.main.reset()


@pytest.fixture
def client(server: Standalone) -> Client:
    """A client of the server's own session."""
    return Client(server.main.emulators.http.url)
