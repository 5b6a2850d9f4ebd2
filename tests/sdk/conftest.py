"""The half of azure-identity that a test drives, with all that it has to say in its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from support.sdk import HALVES, Sdk


@pytest.fixture(autouse=True)
def _talkative(caplog: pytest.LogCaptureFixture) -> None:
    """Its debug log is part of what is driven here: it decodes tokens, and must survive those that it cannot."""
    caplog.set_level(logging.DEBUG, "azure.identity")


@pytest.fixture(params=list(HALVES))
def sdk(request: pytest.FixtureRequest) -> Iterator[Sdk]:
    """azure-identity, sync and async in turn."""
    half = Sdk(request.param)
    yield half
    half.close()
