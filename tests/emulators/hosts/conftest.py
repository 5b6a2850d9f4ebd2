"""The host of the place that a test module is about."""

from __future__ import annotations

import pytest

from azcred_emulators.hosts.endpoint import Endpoint
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place


@pytest.fixture
def host(place: Place, azcred: Azcred) -> Endpoint:
    """The host of the place that the test module is about."""
    assert place.environment.host
    return azcred.hosts[place.environment.host]
