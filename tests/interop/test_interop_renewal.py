"""Tokens expire on the test's clock, and the unmodified SDK renews them."""

from __future__ import annotations

import pytest
from azure.core.exceptions import ClientAuthenticationError
from support.published import verified
from support.sdk import Sdk

from azcred_emulators.directory import contoso
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id
PLACES = ["virtual-machine", "kubernetes", "developer-service-principal"]


@pytest.mark.parametrize("place", PLACES)
def test_a_token_is_renewed_when_it_has_expired(azcred: Azcred, sdk: Sdk, place: str) -> None:
    """After 25 hours no token lives; the new one is valid on the moved clock, and took one request."""
    here = azcred.environment(place)
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    requests = len(azcred.journal.requests())
    azcred.clock.advance(hours=25)
    second = credential.get_token(SCOPE)
    assert len(azcred.journal.requests()) == requests + 1
    assert second.expires_on - first.expires_on >= 25 * 3600
    assert verified(second.token, resource=VAULT, tenant=TENANT)["appid"] == here.identity.client_id


@pytest.mark.parametrize("place", PLACES)
def test_a_living_token_is_kept(azcred: Azcred, sdk: Sdk, place: str) -> None:
    """Half an hour later it is the same one."""
    azcred.environment(place)
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    azcred.clock.advance(minutes=30)
    assert credential.get_token(SCOPE).token == first.token
    azcred.journal.assert_tokens(times=1)


@pytest.mark.parametrize("place", PLACES)
def test_it_goes_on_for_days(azcred: Azcred, sdk: Sdk, place: str) -> None:
    """Each renewal is valid when it is made."""
    azcred.environment(place)
    credential = sdk.credential("DefaultAzureCredential")
    tokens = set()
    for _ in range(4):
        tokens.add(credential.get_token(SCOPE).token)
        azcred.clock.advance(days=2)
    assert len(tokens) == 4
    azcred.journal.assert_tokens(times=4)


# msal, which the sync half leaves client secrets to, forgets a token five minutes before its end.
SURVIVES = {
    ("kubernetes", "sync"): True,
    ("kubernetes", "aio"): True,
    ("developer-service-principal", "sync"): False,
    ("developer-service-principal", "aio"): True,
}


@pytest.mark.parametrize("place", ["kubernetes", "developer-service-principal"])
def test_a_renewal_that_fails_while_the_token_lives(azcred: Azcred, sdk: Sdk, place: str) -> None:
    """The identity is deleted minutes before the token's end: the app does not notice until then, if it can."""
    here = azcred.environment(place)
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    azcred.directory.remove(here.identity)
    azcred.clock.advance(minutes=57)
    if SURVIVES[place, sdk.half]:
        assert credential.get_token(SCOPE).token == first.token
    else:
        with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
            credential.get_token(SCOPE)
    assert azcred.journal.requests(operation="token")[-1].error == "AADSTS700016"
