"""Every test here starts on a machine without any identity, and freezes time for all threads."""

from __future__ import annotations

import os
from collections.abc import Iterator

import freezegun
import pytest

_PREFIXES = ("AZURE_", "IDENTITY_", "MSI_", "IMDS_")


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide this machine's own variables."""
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
