"""The half of azure-identity that a test drives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.sdk import HALVES, Sdk


@pytest.fixture(params=list(HALVES))
def sdk(request: pytest.FixtureRequest) -> Iterator[Sdk]:
    """azure-identity, sync and async in turn."""
    half = Sdk(request.param)
    yield half
    half.close()
