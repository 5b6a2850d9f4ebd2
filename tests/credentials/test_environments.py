"""Our chain finds the identity of every place in the table of environments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import trio

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.credentials import DefaultAzureCredential, aio
from pytest_azcred.session import Session

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
def test_the_identity_of_the_place_is_found(place: str, ask: Callable[[], Outcome], azcred: Session) -> None:
    """By the credential that must win there, with one token, whether the app waits or awaits."""
    here = azcred.environment(place)
    first, second, winner = ask()
    assert first == second
    assert winner == WINNERS[here.environment.provider or ""]
    azcred.journal.assert_answered(provider=here.environment.provider, times=1)
    azcred.journal.assert_answered(times=1)
    claims: dict[str, Any] = jwt.decode(first, options={"verify_signature": False})
    assert claims["aud"] == "https://vault.azure.net"
    expected = here.user.object_id if here.environment.user else here.identity.object_id
    assert claims["oid"] == expected


@pytest.mark.parametrize("place", PLACES)
def test_the_explanation_names_the_winner(place: str, azcred: Session) -> None:
    """And shows what it asked, but never a secret or a token."""
    here = azcred.environment(place)
    with DefaultAzureCredential() as chain:
        explanation = chain.explain(VAULT)
        token = chain.get_token(VAULT).token
    assert explanation.selected == WINNERS[here.environment.provider or ""]
    won = next(attempt for attempt in explanation.attempts if attempt.provider == explanation.selected)
    assert won.requests or explanation.selected == "InteractiveBrowserCredential"
    assert token not in f"{explanation!r} {explanation}"
