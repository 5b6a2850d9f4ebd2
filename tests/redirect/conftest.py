"""The clients as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.http_clients import CLIENTS, Fetch


@pytest.fixture(params=CLIENTS)
def old_client(request: pytest.FixtureRequest) -> Iterator[Fetch]:
    """A client that is older than `azcred`, if the test names it first."""
    with CLIENTS[request.param]() as fetch:
        yield fetch


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Iterator[Fetch]:
    """A client that is younger than `azcred`, if the test names it last."""
    with CLIENTS[request.param]() as fetch:
        yield fetch
