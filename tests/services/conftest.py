"""What the tests of services share: places whose identity the clients use, and the clients if they are installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import azure.identity
import azure.identity.aio
import pytest

from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

PLACES = ["app-service", "kubernetes"]


def sdk(module: str, distribution: str) -> Any:
    """Return a client's module; skip the test if its distribution is not installed."""
    try:
        found = find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        pytest.skip(f"{distribution} is not installed; run: make test-services")
    return import_module(module)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, azcred: Azcred) -> Place:
    """A place with a managed identity in App Service, and one with workload identity."""
    return azcred.environment(request.param)


@pytest.fixture
def credential() -> Callable[[], Any]:
    """The credential that apps use."""
    return azure.identity.DefaultAzureCredential


@pytest.fixture
def async_credential() -> Callable[[], Any]:
    """The same for asyncio."""
    return azure.identity.aio.DefaultAzureCredential
