"""Every test here starts on a machine without any identity, and freezes time for all threads."""

from __future__ import annotations

import os
from collections.abc import Iterator

import freezegun
import pytest
from credentials.implementations import IMPLEMENTATIONS, Implementation
from support.entra import Entra
from werkzeug.test import Client

from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred

_PREFIXES = ("AZURE_", "IDENTITY_", "MSI_", "IMDS_")


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide this machine's own variables and tools."""
    monkeypatch.setenv("PATH", "/nowhere")
    for name in list(os.environ):
        if name.startswith(_PREFIXES):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def frozen_threads() -> Iterator[None]:
    """Freeze time for worker threads too, which freezegun leaves out by itself."""
    ignored = list(freezegun.config.settings.default_ignore_list)
    freezegun.config.configure(default_ignore_list=[one for one in ignored if one not in ("threading", "queue")])
    yield
    freezegun.config.configure(default_ignore_list=ignored)


@pytest.fixture(params=list(IMPLEMENTATIONS))
def package(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """azure-identity and this library in turn."""
    implementation = Implementation(request.param)
    yield implementation
    implementation.close()


@pytest.fixture
def entra(azcred: Azcred, azcred_emulators: Emulators) -> Entra:
    """The token service with the routing to it; its client without sockets is for what no SDK does."""
    return Entra(azcred_emulators, Client(azcred_emulators.application))
