"""Clients of Node.js that the lock file has: Storage, whose challenge they read in one form alone, and Key Vault."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azcred_emulators.emulators import Emulators

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).with_name("clients.cjs")
MODULES = Path(__file__).parents[2] / "node_modules"
STORAGE, VAULT = "https://shop.blob.core.windows.net", "https://shop.vault.azure.net"


@pytest.fixture(params=["app-service", "kubernetes"])
def emulators(request: pytest.FixtureRequest) -> Iterator[Emulators]:
    """Emulators in a place."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    for package in ("storage-blob", "keyvault-keys"):
        if not (MODULES / "@azure" / package).exists():
            pytest.skip(f"@azure/{package} is not installed; run: npm ci")
    with Emulators(environment=request.param) as emulators:
        yield emulators


def run(emulators: Emulators, client: str, url: str) -> dict[str, Any]:
    """Return what came of a client's call."""
    variables = emulators.variables()
    done = subprocess.run(
        ["node", PROGRAM, client, url], env=variables, capture_output=True, text=True, check=True, timeout=60
    )
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def test_storage(emulators: Emulators) -> None:
    """It reads a blob, follows the challenge to another audience, and says that a role is missing."""
    account = emulators.resources.add("shop.blob.core.windows.net")
    account.answer("GET", "/files/today", data=b"hello", headers={"ETag": '"1"'})
    assert run(emulators, "blob", STORAGE) == {"result": "true hello"}
    account.audiences = ("https://example.azure.com",)
    assert run(emulators, "blob", STORAGE) == {"result": "true hello"}
    assert "azcred.resource('https://shop.blob.core.windows.net', audience=" in str(emulators.journal)
    account.allow()
    refused = run(emulators, "blob", STORAGE)
    assert (refused["error"], refused["status"]) == ("RestError", 403)


def test_a_key(emulators: Emulators) -> None:
    """It is challenged by the vault, and reads a key."""
    vault = emulators.resources.add("shop.vault.azure.net").fill(keys={"signing": "EC"})
    assert run(emulators, "key", VAULT) == {"result": "EC"}
    vault.allow()
    assert run(emulators, "key", VAULT)["status"] == 403
