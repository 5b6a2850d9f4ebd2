"""A server that runs in this process, and a client of its control API."""

from collections.abc import Iterator

import pytest

from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.control.client import ControlClient
from azcred_emulators.standalone.server import StandaloneServer


@pytest.fixture(scope="session")
def running() -> Iterator[StandaloneServer]:
    """The server that the tests of this run share."""
    with StandaloneServer(Configuration()) as server:
        yield server


@pytest.fixture
def server(running: StandaloneServer) -> Iterator[StandaloneServer]:
    """A server in the state at its start."""
    yield running
    for name in [name for name in running.sessions if name != "main"]:
        running.close(name)
    running.main.reset()


@pytest.fixture
def client(server: StandaloneServer) -> ControlClient:
    """A client of the server's own session."""
    return ControlClient(server.main.emulators.http.url)
