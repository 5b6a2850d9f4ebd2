"""Azurite looks at a token as Azure Storage would: what it refuses, and the one thing that it does not check."""

from __future__ import annotations

import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

from azcred_emulators.tokens.access import AppOnlyAccess
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

pytestmark = pytest.mark.usefixtures("azurite")

URL = "https://myaccount.blob.core.windows.net"
TENANT = "11111111-1111-4111-8111-111111111111"
NOW = int(time.time())


class Holder:
    """A credential that hands out one token, whatever it is asked for."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self._token, NOW + 86400)


def containers(credential: Any, **options: Any) -> list[str]:
    """List the containers: the simplest thing that takes a token."""
    client = BlobServiceClient(URL, credential=credential, **options)
    return [container.name for container in client.list_containers()]


def claims(azcred: Azcred, place: Place, changes: dict[str, object]) -> dict[str, object]:
    """Return what the place's identity would have in a token for storage, changed; None leaves a claim out."""
    genuine = azcred.tokens.app_only(AppOnlyAccess(place.identity, "https://storage.azure.com")).claims
    return {name: value for name, value in {**genuine, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"aud": "https://storage.azure.com/"}, id="with a slash"),
        pytest.param({"aud": "https://myaccount.blob.core.windows.net"}, id="for the account alone"),
    ],
)
def test_accepted(azcred: Azcred, fake_managed_identity: Place, changes: dict[str, object]) -> None:
    """The tests of refusals below change one claim of this token each."""
    token = azcred.tokens.key.sign(claims(azcred, fake_managed_identity, changes))
    assert containers(Holder(token)) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"aud": "https://vault.azure.net"}, "Invalid token audience", id="another service's"),
        pytest.param({"aud": "https://other.blob.core.windows.net"}, "Invalid token audience", id="another account's"),
        pytest.param({"aud": ["https://storage.azure.com"] * 2}, "Invalid token audience", id="two audiences"),
        pytest.param({"aud": None}, "not supported", id="no audience"),
        pytest.param({"exp": NOW - 1}, "The token is expired", id="expired a second ago"),
        pytest.param({"nbf": NOW + 3600}, "Lifetime validation failed", id="not yet valid"),
        pytest.param({"iat": None}, "not supported", id="no time of issue"),
        pytest.param({"nbf": None}, "not supported", id="no start"),
        pytest.param({"exp": None}, "not supported", id="no end"),
        pytest.param(
            {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0"}, "Invalid token issuer", id="version 2"
        ),
        pytest.param({"iss": None}, "not supported", id="no issuer"),
    ],
)
def test_refused(azcred: Azcred, fake_managed_identity: Place, changes: dict[str, object], reason: str) -> None:
    """One wrong claim is enough, however well the token is signed."""
    token = azcred.tokens.key.sign(claims(azcred, fake_managed_identity, changes))
    with pytest.raises(ClientAuthenticationError, match=reason) as refusal:
        containers(Holder(token))
    assert refusal.value.status_code == 403


def test_the_signature_is_not_checked(azcred: Azcred, fake_managed_identity: Place) -> None:
    """Azurite reads tokens without verifying them; that they can be verified is shown in tests/interop."""
    stranger = SigningKey("not Entra ID")
    assert containers(Holder(stranger.sign(claims(azcred, fake_managed_identity, {})))) == []


@pytest.mark.parametrize("damaged", ["opaque", "eyJ0eXAiOiJKV1QifQ.bm90IEpTT04.c2lnbmF0dXJl"])
def test_what_is_no_token_is_refused(azcred: Azcred, damaged: str) -> None:
    """Text that is no JWT, and a JWT whose claims are not JSON."""
    with pytest.raises(ClientAuthenticationError, match="not supported"):
        containers(Holder(damaged))


def test_an_app_that_asks_for_the_wrong_audience(fake_managed_identity: Place) -> None:
    """It gets a genuine token, for Key Vault, and storage does not take it."""
    with pytest.raises(ClientAuthenticationError, match="Invalid token audience"):
        containers(DefaultAzureCredential(), audience="https://vault.azure.net")
    answered = [entry.resource for entry in fake_managed_identity.requests() if entry.answered]
    assert set(answered) == {"https://vault.azure.net"}


@pytest.mark.parametrize(
    ("hours", "reason"),
    [(-25, "The token is expired"), (25, "Lifetime validation failed")],
)
def test_azurite_lives_on_real_time(azcred: Azcred, fake_managed_identity: Place, hours: float, reason: str) -> None:
    """A token of a test that has moved its clock is too old or too new for it."""
    azcred.clock.move_to(time.time() + hours * 3600)
    with pytest.raises(ClientAuthenticationError, match=reason):
        containers(DefaultAzureCredential())
    assert fake_managed_identity.statuses[-1] == 200
