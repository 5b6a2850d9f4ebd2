"""Chains of azure-identity, by both of their methods and with members of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from support.sdk import Sdk

from azcred_emulators.directory import contoso
from azcred_emulators.faults import Status
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
TENANT = contoso.TENANT.id


class Own:
    """What every credential of the app's own has."""

    def close(self) -> None:
        """Have nothing to close."""

    def __exit__(self, *error: object) -> None:
        """Have nothing to leave."""


class AsyncOwn:
    """The same, asynchronous."""

    async def close(self) -> None:
        """Have nothing to close."""

    async def __aexit__(self, *error: object) -> None:
        """Have nothing to leave."""


class WithToken(Own):
    """One that has the older method alone."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token."""
        return AccessToken("own", 4_000_000_000)


class WithTokenInfo(Own):
    """One that has the newer method alone."""

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """Return a token."""
        return AccessTokenInfo("own", 4_000_000_000)


class AsyncWithToken(AsyncOwn):
    """The same, asynchronous."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token."""
        return AccessToken("own", 4_000_000_000)


class AsyncWithTokenInfo(AsyncOwn):
    """And with the newer method alone."""

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """Return a token."""
        return AccessTokenInfo("own", 4_000_000_000)


OWN = {"sync": (WithToken, WithTokenInfo), "aio": (AsyncWithToken, AsyncWithTokenInfo)}


def test_a_chain_finds_the_first_that_is_there(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """By either method; the failures before it are only known to the log."""
    for method in ("get_token", "get_token_info"):
        members = [sdk.credential(kind).wrapped for kind in ("EnvironmentCredential", "ManagedIdentityCredential")]
        chain = sdk.credential("ChainedTokenCredential", *members)
        assert chain.call("__enter__") is chain.wrapped
        assert getattr(chain, method)(SCOPE).token
    azcred.journal.assert_tokens(provider="managed-identity", times=2)


def test_a_chain_ends_with_a_failure(azcred: Azcred, sdk: Sdk, fake_service_principal: Place) -> None:
    """By either method: what was refused is not tried elsewhere."""
    azcred.environment("virtual-machine")
    fake_service_principal.faults.add(Status(400), times=2)
    for method in ("get_token", "get_token_info"):
        for kind in ("ChainedTokenCredential", "DefaultAzureCredential"):
            members = [sdk.credential(one).wrapped for one in ("EnvironmentCredential", "ManagedIdentityCredential")]
            fake_service_principal.faults.add(Status(400))
            chain = sdk.credential(kind, *(members if kind == "ChainedTokenCredential" else ()))
            with pytest.raises(ClientAuthenticationError, match="\tEnvironmentCredential: "):
                getattr(chain, method)(SCOPE)
    azcred.journal.assert_requests(provider="managed-identity", times=0)
    fake_service_principal.faults.clear()


def test_the_default_chain_keeps_to_what_it_has_found(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """By either method."""
    credential = sdk.credential("DefaultAzureCredential")
    for _ in range(2):
        assert credential.get_token(SCOPE).token == credential.get_token_info(SCOPE).token
    azcred.journal.assert_tokens(times=1)


def test_nothing_is_there(azcred: Azcred, sdk: Sdk) -> None:
    """By the newer method, too, the message lists everything."""
    azcred.environment("nothing")
    with pytest.raises(ClientAuthenticationError, match="\tManagedIdentityCredential: "):
        sdk.credential("DefaultAzureCredential").get_token_info(SCOPE)
    azcred.journal.assert_requests(times=0)


def test_members_of_the_apps_own(azcred: Azcred, sdk: Sdk) -> None:
    """One method is enough; a proof of possession cannot be asked of those with the older."""
    older, newer = (kind() for kind in OWN[sdk.half])
    for member in (older, newer):
        chain = sdk.credential("ChainedTokenCredential", member)
        assert chain.get_token(SCOPE, claims="{}", tenant_id=TENANT).token == "own"
        assert chain.get_token_info(SCOPE).token == "own"
    with pytest.raises(ClientAuthenticationError, match="Proof of possession arguments are not supported"):
        sdk.credential("ChainedTokenCredential", older).get_token_info(SCOPE, pop={"nonce": "n"})


@pytest.mark.parametrize("place", [None, "virtual-machine", "app-service", "azure-arc", "machine-learning"])
def test_a_credential_on_its_own(azcred: Azcred, sdk: Sdk, place: str | None) -> None:
    """Entered and left, by both methods; where there is nothing it is unavailable."""
    azcred.environment(place or "nothing")
    for kind in ("ManagedIdentityCredential", "EnvironmentCredential"):
        credential = sdk.credential(kind)
        assert credential.call("__enter__") is credential.wrapped
        for ask in (credential.get_token, credential.get_token_info):
            if place and kind == "ManagedIdentityCredential":
                assert ask(SCOPE).token
            else:
                with pytest.raises(CredentialUnavailableError):
                    ask(SCOPE)
