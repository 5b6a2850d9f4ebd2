"""The clients of .NET against the same stand-ins, if there are programs with them.

The variable AZCRED_TEST_PROGRAMS names a folder with `dotnet/setup.sh`, which unpacks them and prints where.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from azcred_emulators.emulators import Emulators

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RESULTS = {
    "app-service": {
        "secrets-sync": "RESULT hunter2 then x",
        "certificates": "RESULT tls",
        "cosmos-query": "RESULT 1",
        "openai": "RESULT There is some tea.",
    },
    "kubernetes": {
        "secrets-list": "RESULT database,tls",
        "cosmos": 'RESULT ["id"',
        "eventgrid": "RESULT 200",
        "openai": "RESULT There is some tea.",
    },
}


@pytest.fixture(scope="module")
def program() -> Path:
    """The program `dotnet-services`."""
    folder = os.environ.get("AZCRED_TEST_PROGRAMS")
    if not folder or not (set_up := Path(folder, "dotnet", "setup.sh")).exists():
        pytest.skip("the clients of .NET are not here: AZCRED_TEST_PROGRAMS names a folder with dotnet/setup.sh")
    shown = subprocess.run(["sh", set_up], capture_output=True, text=True, check=True, timeout=100)
    return Path(shown.stdout.strip(), "dotnet-services")


@pytest.fixture(params=list(RESULTS))
def emulators(request: pytest.FixtureRequest) -> Iterator[Emulators]:
    """Emulators with a stand-in for each client."""
    with Emulators(environment=request.param) as emulators:
        add = emulators.resources.add
        add("shop.vault.azure.net").fill(secrets={"database": "hunter2"}, certificates={"tls": "CN=shop"})
        add("shop.documents.azure.com").fill(items={"d/c": [{"id": "1"}]})
        add("shop.westeurope-1.eventgrid.azure.net")
        add("shop.openai.azure.com").fill(replies=["There is some tea."])
        yield emulators


def run(program: Path, emulators: Emulators, client: str) -> str:
    """Return what a client has printed."""
    done = subprocess.run(
        [program, client], env=emulators.variables(), capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


def test_clients(program: Path, emulators: Emulators) -> None:
    """Each gets its token, and what its stand-in holds."""
    for client, result in RESULTS[emulators.environments[0].name].items():
        printed = run(program, emulators, client)
        assert result in printed, printed + str(emulators.journal)


@pytest.mark.parametrize("emulators", ["app-service"], indirect=True)
def test_another_identity(program: Path, emulators: Emulators) -> None:
    """Each says what its service says."""
    for host, client, error in (
        ("shop.vault.azure.net", "secrets", "ForbiddenByRbac"),
        ("shop.documents.azure.com", "cosmos", "Request blocked by Auth shop"),
        ("shop.openai.azure.com", "openai", "has no role that allows this"),
    ):
        emulators.resources.add(host).allow()
        assert error in run(program, emulators, client)
