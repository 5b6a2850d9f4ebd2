"""The pytest plugin: fixtures that put the app under test into a place on Azure.

Nothing heavy is imported before a fixture asks for it, so that a run without one starts as fast as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from azcred_emulators.emulators import Emulators
    from pytest_azcred.session import Place, Session


@pytest.fixture(scope="session")
def azcred_emulators() -> Iterator[Emulators]:
    """The emulators that the tests of this run share: servers and keys. Tests use `azcred`."""
    from azcred_emulators.emulators import Emulators

    with Emulators() as emulators:
        yield emulators


@pytest.fixture
def azcred(azcred_emulators: Emulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Azure on this machine, for one test: nothing leaves it and no real identity is found.

    The app starts out in a place without any identity; `azcred.environment(...)` puts it into one. The
    directory, the journal, the clock and the routes are the test's own.
    """
    from pytest_azcred.session import Session

    with Session(azcred_emulators, monkeypatch).active() as session:
        yield session


@pytest.fixture
def fake_managed_identity(azcred: Session) -> Place:
    """The app runs on a virtual machine that has a system-assigned managed identity."""
    return azcred.environment("virtual-machine")


@pytest.fixture
def fake_service_principal(azcred: Session) -> Place:
    """The app finds a service principal's client id, tenant and secret in its environment variables."""
    return azcred.environment("developer-service-principal")


@pytest.fixture
def fake_workload_identity(azcred: Session) -> Place:
    """The app runs in a Kubernetes pod with workload identity: a projected token and the webhook's variables."""
    return azcred.environment("kubernetes")
