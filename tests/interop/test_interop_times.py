"""How long tokens last and by whose clock, per identity, as azure-identity takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.sdk import IDENTITY, Sdk

from azcred_emulators.directory import Application, TokenTimes
from azcred_emulators.faults import Status
from azcred_emulators.tokens import TokenRejected
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
PLACES = ["virtual-machine", "app-service", "kubernetes", "developer-service-principal"]


def give(azcred: Azcred, place: Place, times: TokenTimes) -> None:
    """Let the identity of a place have tokens with these times."""
    identity = place.identity
    if isinstance(identity, Application):
        azcred.directory.replace(identity, token_times=times)
    else:
        azcred.directory.replace(identity, token_times=times)


@pytest.mark.parametrize("name", PLACES)
def test_a_short_life(azcred: Azcred, sdk: Sdk, name: str) -> None:
    """The client renews it when less than five minutes of it are left, and not before."""
    place = azcred.environment(name)
    give(azcred, place, TokenTimes(lifetime=timedelta(minutes=20)))
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    assert first.expires_on == pytest.approx(azcred.clock.now() + 1200, abs=10)
    azcred.clock.until_expiry_of(first, minus="6 min")
    assert credential.get_token(SCOPE).token == first.token
    azcred.clock.until_expiry_of(first, minus="4 min")
    assert credential.get_token(SCOPE).token != first.token
    azcred.journal.assert_tokens(provider=place.environment.provider, times=2)


@pytest.mark.skipif(IDENTITY < (1, 19), reason="azure-identity knows a time to refresh from 1.19 on")
@pytest.mark.parametrize("name", ["kubernetes", "developer-service-principal"])
def test_a_time_to_refresh(azcred: Azcred, sdk: Sdk, name: str) -> None:
    """After it the client asks for a newer token, and makes do with the old one if there is none."""
    place = azcred.environment(name)
    give(azcred, place, TokenTimes(refresh_in=timedelta(minutes=30)))
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    azcred.clock.advance(minutes=29)
    assert credential.get_token(SCOPE).token == first.token
    azcred.clock.advance(minutes=2)
    place.faults.add(Status(400))
    assert credential.get_token(SCOPE).token == first.token
    azcred.clock.advance(minutes=2)  # both halves wait half a minute before they try again
    assert credential.get_token(SCOPE).token != first.token
    azcred.journal.assert_tokens(provider=place.environment.provider, times=2)


@pytest.mark.skipif(IDENTITY < (1, 19), reason="azure-identity knows a time to refresh from 1.19 on")
@pytest.mark.parametrize("name", ["virtual-machine", "app-service"])
def test_hosts_do_not_tell_when_to_refresh(azcred: Azcred, sdk: Sdk, name: str) -> None:
    """One that did would be heard by the async half alone, which then has nothing to fall back on."""
    place = azcred.environment(name)
    give(azcred, place, TokenTimes(refresh_in=timedelta(minutes=30)))
    credential = sdk.credential("ManagedIdentityCredential")
    first = credential.get_token(SCOPE)
    azcred.clock.advance(minutes=31)
    renewed = credential.get_token(SCOPE).token != first.token
    assert renewed == (sdk.half == "aio")
    azcred.journal.assert_tokens(host=place.environment.host, times=2 if renewed else 1)


def test_a_clock_that_is_ahead(azcred: Azcred, sdk: Sdk, fake_service_principal: Place) -> None:
    """The client goes by how long the token lasts, so it is not misled; a service with the right time refuses it."""
    give(azcred, fake_service_principal, TokenTimes(clock_skew=timedelta(minutes=10)))
    token = sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert token.expires_on == pytest.approx(azcred.clock.now() + 3600, abs=10)
    with pytest.raises(TokenRejected, match="not-yet-valid"):
        azcred.tokens.check(token.token, audiences=[VAULT])
    azcred.clock.advance(minutes=6)
    assert azcred.tokens.check(token.token, audiences=[VAULT])


def test_a_clock_that_is_behind(azcred: Azcred, sdk: Sdk, fake_app_service: Place) -> None:
    """App Service says when a token expires and not in how long: the app takes it for older than it is."""
    give(azcred, fake_app_service, TokenTimes(lifetime=timedelta(hours=1), clock_skew=timedelta(hours=-2)))
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    assert first.expires_on == pytest.approx(azcred.clock.now() - 3600, abs=10)
    credential.get_token(SCOPE)
    azcred.journal.assert_tokens(host="app-service", times=2)
