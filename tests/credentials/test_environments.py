"""Our chain finds the identity of every place in the table of environments."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
import trio

from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.environments import ENVIRONMENTS
from azcred_emulators.faults import BlackHole, Drip, Hang, Slow
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import DefaultAzureCredential, aio

pytestmark = pytest.mark.slow

VAULT = "https://vault.azure.net/.default"
WINNERS = {
    "environment": "EnvironmentCredential",
    "workload-identity": "WorkloadIdentityCredential",
    "managed-identity": "ManagedIdentityCredential",
    "azure-cli": "AzureCliCredential",
    "azure-powershell": "AzurePowerShellCredential",
    "azure-developer-cli": "AzureDeveloperCliCredential",
    "interactive-browser": "InteractiveBrowserCredential",
}
PLACES = [environment.name for environment in ENVIRONMENTS.values() if environment.provider]
Outcome = tuple[str, str, "str | None"]


def synchronous() -> Outcome:
    with DefaultAzureCredential() as chain:
        return chain.get_token(VAULT).token, chain.get_token_info(VAULT).token, chain.selected


async def asynchronous() -> Outcome:
    async with aio.DefaultAzureCredential() as chain:
        first, second = await chain.get_token(VAULT), await chain.get_token_info(VAULT)
        return first.token, second.token, chain.selected


def in_asyncio() -> Outcome:
    return asyncio.run(asynchronous())


def in_trio() -> Outcome:
    return trio.run(asynchronous)


@pytest.mark.parametrize("ask", [synchronous, in_asyncio, in_trio])
@pytest.mark.parametrize("place", PLACES)
def test_the_identity_of_the_place_is_found(place: str, ask: Callable[[], Outcome], azcred: Azcred) -> None:
    """By the credential that must win there, with one token, whether the app waits or awaits."""
    here = azcred.environment(place)
    first, second, winner = ask()
    assert first == second
    assert winner == WINNERS[here.environment.provider or ""]
    azcred.journal.assert_tokens(provider=here.environment.provider, times=1)
    azcred.journal.assert_tokens(times=1)
    claims: dict[str, Any] = jwt.decode(first, options={"verify_signature": False})
    assert claims["aud"] == "https://vault.azure.net"
    expected = here.user.object_id if here.environment.user else here.identity.object_id
    assert claims["oid"] == expected


@pytest.mark.parametrize("place", PLACES)
def test_the_explanation_names_the_winner(place: str, azcred: Azcred) -> None:
    """And shows what it asked, but never a secret or a token."""
    here = azcred.environment(place)
    with DefaultAzureCredential() as chain:
        explanation = chain.explain(VAULT)
        token = chain.get_token(VAULT).token
    assert explanation.selected == WINNERS[here.environment.provider or ""]
    won = next(attempt for attempt in explanation.attempts if attempt.provider == explanation.selected)
    assert won.requests or explanation.selected == "InteractiveBrowserCredential"
    assert token not in f"{explanation!r} {explanation}"


def test_fifty_threads_make_one_request(azcred: Azcred) -> None:
    """However slow the answer is."""
    azcred.environment("kubernetes")
    azcred.authority.faults.add(Slow(0.1))
    together = threading.Barrier(50)

    def ask(_: int) -> str:
        together.wait()
        return chain.get_token(VAULT).token

    with DefaultAzureCredential() as chain, ThreadPoolExecutor(50) as pool:
        assert len(set(pool.map(ask, range(50)))) == 1
    assert len(azcred.journal.requests()) == 1


def test_fifty_tasks_make_one_request(azcred: Azcred) -> None:
    """The same for an event loop."""
    azcred.environment("kubernetes")
    azcred.authority.faults.add(Slow(0.1))

    async def main() -> list[str]:
        async with aio.DefaultAzureCredential() as chain:
            tokens = await asyncio.gather(*(chain.get_token(VAULT) for _ in range(50)))
            return [token.token for token in tokens]

    assert len(set(asyncio.run(main()))) == 1
    assert len(azcred.journal.requests()) == 1


@pytest.mark.parametrize("fault", [Hang(), BlackHole(), Drip(60)], ids=repr)
def test_an_imds_that_never_answers_is_given_up(fault: RequestFault, azcred: Azcred) -> None:
    """Within the time that the probe has; the next credential is asked then."""
    azcred.environment("virtual-machine", "developer-azure-cli")
    azcred.hosts["imds"].faults.add(fault, optional=True)
    started = time.monotonic()
    with DefaultAzureCredential(imds_probe_timeout=0.2) as chain:
        chain.get_token(VAULT)
    assert chain.selected == "AzureCliCredential"
    assert time.monotonic() - started < 10  # a busy machine may take its time, but not a minute
