"""Bearer tokens are judged before Azurite sees them: what is refused, how, and what the journal says about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.data.tables import TableServiceClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import DataLakeServiceClient
from azure.storage.queue import QueueServiceClient

from azcred_emulators.tokens.access import AppOnlyAccess
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite
from pytest_azcred.place import Place

pytestmark = pytest.mark.usefixtures("azurite")

URL = "https://myaccount.blob.core.windows.net"
STORAGE = "https://storage.azure.com"
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
    genuine = azcred.tokens.app_only(AppOnlyAccess(place.identity, STORAGE)).claims
    return {name: value for name, value in {**genuine, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"aud": "https://storage.azure.com/"}, id="with a slash"),
        pytest.param({"aud": "https://myaccount.blob.core.windows.net"}, id="for the account alone"),
        pytest.param(
            {
                "aud": "e406a681-f3d4-42a8-90b6-c2b029497af1",
                "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
                "ver": "2.0",
            },
            id="of version 2",
        ),
    ],
)
def test_accepted(azcred: Azcred, fake_managed_identity: Place, changes: dict[str, object]) -> None:
    """The tests of refusals below change one claim of this token each. The journal names the identity."""
    token = azcred.tokens.key.sign(claims(azcred, fake_managed_identity, changes))
    assert containers(Holder(token)) == []
    [entry] = azcred.journal.requests(emulator="storage")
    assert (entry.operation, entry.status, entry.resource) == ("blob", 200, STORAGE)
    assert (entry.identity, entry.client_id) == (
        fake_managed_identity.identity.name,
        fake_managed_identity.identity.client_id,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param(
            {"aud": "https://vault.azure.net"},
            "The token is for https://vault.azure.net, and the account takes https://storage.azure.com.",
            id="another service's",
        ),
        pytest.param({"aud": "https://other.blob.core.windows.net"}, "Audience did not match", id="another account's"),
        pytest.param({"aud": None}, "Audience did not match", id="no audience"),
        pytest.param({"exp": NOW - 1}, "The token is expired", id="expired"),
        pytest.param({"nbf": NOW + 3600}, "not yet valid", id="not yet valid"),
        pytest.param({"exp": None}, "The token is expired", id="no end"),
        pytest.param({"iss": "https://sts.windows.net/somewhere/"}, "Issuer did not match", id="another issuer's"),
        pytest.param({"iss": None}, "Issuer did not match", id="no issuer"),
    ],
)
def test_refused(azcred: Azcred, fake_managed_identity: Place, changes: dict[str, object], reason: str) -> None:
    """One wrong claim is enough, however well the token is signed; the app and the journal get the reason."""
    token = azcred.tokens.key.sign(claims(azcred, fake_managed_identity, changes))
    with pytest.raises(ClientAuthenticationError, match=reason) as refusal:
        containers(Holder(token))
    assert refusal.value.status_code == 401
    entries = azcred.journal.requests(emulator="storage")
    assert {entry.status for entry in entries} == {401}
    assert reason in str(entries[-1].error)
    assert str(entries[-1].error).startswith("InvalidAuthenticationInfo: ")


def test_the_signature_is_checked(azcred: Azcred, fake_managed_identity: Place) -> None:
    """A key that is not Entra ID's is good for nothing."""
    stranger = SigningKey("not Entra ID")
    with pytest.raises(ClientAuthenticationError, match="The signature is not Entra ID's"):
        containers(Holder(stranger.sign(claims(azcred, fake_managed_identity, {}))))


@pytest.mark.parametrize("damaged", ["opaque", "eyJ0eXAiOiJKV1QifQ.bm90IEpTT04.c2lnbmF0dXJl"])
def test_what_is_no_token_is_refused(azcred: Azcred, damaged: str) -> None:
    """Text that is no JWT, and a JWT whose claims are not JSON."""
    with pytest.raises(ClientAuthenticationError, match="no JWT"):
        containers(Holder(damaged))
    assert {entry.status for entry in azcred.journal.requests(emulator="storage")} == {401}


SERVICES: dict[str, Callable[[Any], object]] = {
    "blob": lambda credential: list(BlobServiceClient(URL, credential=credential).list_containers()),
    "queue": lambda credential: list(QueueServiceClient(URL.replace("blob", "queue"), credential).list_queues()),
    "table": lambda credential: list(
        TableServiceClient(endpoint=URL.replace("blob", "table"), credential=credential).list_tables()
    ),
    "dfs": lambda credential: list(
        DataLakeServiceClient(URL.replace("blob", "dfs"), credential).get_file_system_client("lake").get_paths()
    ),
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_client_learns_why(azcred: Azcred, fake_managed_identity: Place, service: str) -> None:
    """Each service refuses in the form that its own client reads."""
    token = azcred.tokens.key.sign(claims(azcred, fake_managed_identity, {"aud": "https://vault.azure.net"}))
    with pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationInfo") as refusal:
        SERVICES[service](Holder(token))
    assert "The token is for https://vault.azure.net" in str(refusal.value)
    assert {entry.operation for entry in azcred.journal.requests(emulator="storage", status=401)} == {service}


@pytest.mark.parametrize("service", SERVICES)
def test_an_identity_without_a_role(
    azcred: Azcred, azurite: Azurite, fake_managed_identity: Place, service: str
) -> None:
    """What users meet most in life: the token is good, and the role assignment is missing."""
    azurite.forbid(fake_managed_identity.identity)
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch") as refusal:
        SERVICES[service](DefaultAzureCredential())
    assert refusal.value.status_code == 403
    [entry] = azcred.journal.requests(emulator="storage")
    assert (entry.operation, entry.status, entry.identity) == (service, 403, fake_managed_identity.identity.name)


def test_the_role_is_there_again_in_the_next_test(fake_managed_identity: Place) -> None:
    """What a test forbids lasts as long as the test, in whatever order they run."""
    assert containers(DefaultAzureCredential()) == []
    assert fake_managed_identity.statuses[-1] == 200


def test_a_refused_upload_is_not_read_on(azcred: Azcred, fake_managed_identity: Place) -> None:
    """The client sends more than is read ahead, and still gets its answer."""
    token = azcred.tokens.key.sign(claims(azcred, fake_managed_identity, {"aud": "https://vault.azure.net"}))
    blob = BlobServiceClient(URL, credential=Holder(token)).get_blob_client("photos", "cat.jpg")
    with pytest.raises(ClientAuthenticationError, match="Audience did not match"):
        blob.upload_blob(bytes(5_000_000), max_concurrency=1)
    assert {entry.status for entry in azcred.journal.requests(emulator="storage")} == {401}


def test_an_app_that_asks_for_the_wrong_audience(azcred: Azcred, fake_managed_identity: Place) -> None:
    """It gets a genuine token, for Key Vault, which storage refuses, and then the one that the challenge names."""
    assert containers(DefaultAzureCredential(), audience="https://vault.azure.net") == []
    answered = [entry.resource for entry in fake_managed_identity.requests() if entry.answered]
    assert answered == ["https://vault.azure.net", STORAGE]
    assert [entry.status for entry in azcred.journal.requests(emulator="storage")] == [401, 200]


def test_the_challenge_has_no_quotation_marks(azcred: Azcred, fake_managed_identity: Place, azurite: Azurite) -> None:
    """As Storage sends it; that of a session that was revoked says what to ask for."""
    token = azcred.tokens.key.sign(claims(azcred, fake_managed_identity, {"xms_cc": ["CP1"]}))
    azurite.revoke()
    plain = (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize resource_id={STORAGE}"
    )
    assert challenge(Holder("opaque")) == plain
    assert challenge(Holder(token)).startswith(f"{plain} error=insufficient_claims claims=ey")


def challenge(credential: Any) -> str:
    """Return what a refused client is told."""
    with pytest.raises(ClientAuthenticationError) as refusal:
        containers(credential)
    response: Any = refusal.value.response
    text: str = response.headers["WWW-Authenticate"]
    assert '"' not in text
    return text


@pytest.mark.parametrize("hours", [-25, 25, 24 * 400])
def test_storage_lives_on_the_clock_of_the_test(azcred: Azcred, fake_managed_identity: Place, hours: float) -> None:
    """A token of a test that has moved its clock is as good as any other."""
    azcred.clock.move_to(time.time() + hours * 3600)
    assert containers(DefaultAzureCredential()) == []
    assert fake_managed_identity.statuses[-1] == 200


def test_a_token_expires_while_the_clock_moves(azcred: Azcred, fake_managed_identity: Place) -> None:
    """Storage refuses it then; a credential that renews its token is welcome."""
    credential = DefaultAzureCredential()
    old = Holder(credential.get_token(f"{STORAGE}/.default").token)
    assert containers(old) == []
    azcred.clock.advance(hours=25)
    with pytest.raises(ClientAuthenticationError, match="The token is expired"):
        containers(old)
    assert containers(credential) == []
    azcred.journal.assert_tokens(host="imds", times=2)
