"""A function that gives tokens."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from support.entra import VAULT, claims_of

from pytest_azcred import credentials
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import aio
from pytest_azcred.place import Place

SCOPE = f"{VAULT}/.default"


@pytest.mark.parametrize("module", [azure.identity, credentials], ids=["azure-identity", "ours"])
def test_a_token_each_time(fake_managed_identity: Place, azcred: Azcred, module: Any) -> None:
    """The same until it has to be renewed, without the word Bearer."""
    with module.DefaultAzureCredential() as credential:
        token = module.get_bearer_token_provider(credential, SCOPE)
        first = token()
        assert token() == first
        assert claims_of(first)["appid"] == fake_managed_identity.identity.client_id
        azcred.clock.advance(hours=25)
        assert token() != first


def test_a_token_each_time_for_asynchronous_clients(fake_managed_identity: Place, azcred: Azcred) -> None:
    """It is awaited."""

    async def twice() -> list[str]:
        async with aio.DefaultAzureCredential() as credential:
            token = aio.get_bearer_token_provider(credential, SCOPE)
            return [await token(), await token()]

    first, second = asyncio.run(twice())
    assert first == second
    assert claims_of(first)["appid"] == fake_managed_identity.identity.client_id


def test_a_credential_of_the_older_kind() -> None:
    """It has `get_token` only."""
    old: Any = SimpleNamespace(get_token=lambda *scopes: AccessToken("/".join(scopes), 0))
    assert credentials.get_bearer_token_provider(old, "a", "b")() == "a/b"
