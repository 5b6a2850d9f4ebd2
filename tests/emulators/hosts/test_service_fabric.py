"""The endpoint of Service Fabric on the wire."""

from __future__ import annotations

import hashlib
import os
import ssl
from urllib.parse import urlsplit

import pytest
from support.host_requests import VAULT, Ask, claims_of, unassign_all

from azcred_emulators.hosts.endpoint import Endpoint
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture
def place(azcred: Azcred) -> Place:
    """An application on a cluster."""
    return azcred.environment("service-fabric")


@pytest.fixture
def ask(place: Place) -> Ask:
    """A request that is granted."""
    return Ask(
        os.environ["IDENTITY_ENDPOINT"],
        query={"api-version": "2019-07-01-preview", "resource": VAULT},
        headers={"Secret": os.environ["IDENTITY_HEADER"]},
    )


def test_the_variables_hold_the_certificates_thumbprint(place: Place) -> None:
    """Clients know the server by it."""
    url = urlsplit(os.environ["IDENTITY_ENDPOINT"])
    assert url.scheme == "https"
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((str(url.hostname), url.port or 443)))
    assert os.environ["IDENTITY_SERVER_THUMBPRINT"] == hashlib.sha1(certificate).hexdigest().upper()


def test_the_body(ask: Ask, place: Place) -> None:
    """The expiry is a number here."""
    body = ask().json()
    assert set(body) == {"access_token", "expires_on", "resource", "token_type"}
    claims = claims_of(ask())
    assert body["expires_on"] == claims["exp"]
    assert claims["appid"] == place.identity.client_id
    assert claims["xms_az_rid"] == place.environment.resource_id


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"api-version": "2018-01-01"}, 400, "InvalidApiVersion"),
        ({"resource": None}, 400, "ArgumentNullOrEmpty"),
        ({"resource": "https://typo.example"}, 500, "InternalServerError"),
        ({"client_id": "0" * 36}, 404, "ManagedIdentityNotFound"),
    ],
)
def test_a_wrong_request_is_refused(ask: Ask, query: dict[str, str | None], status: int, code: str) -> None:
    """With the codes that msal reads, and an id for the support."""
    response = ask(query)
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"code", "correlationId", "message"}
    assert response.json()["error"]["code"] == code


def test_the_secret_is_asked_for(ask: Ask) -> None:
    """By a code of its own."""
    assert ask(headers={"Secret": None}).json()["error"]["code"] == "SecretHeaderNotFound"


def test_without_any_identity(ask: Ask, azcred: Azcred, host: Endpoint) -> None:
    """An application whose identity was taken away."""
    unassign_all(azcred, host)
    assert ask().json()["error"]["code"] == "ManagedIdentityNotFound"


def test_a_token_that_a_service_has_refused_is_replaced(ask: Ask) -> None:
    """Named by its hash, as clients do after a claims challenge; others stay in the cache."""
    first = ask().json()["access_token"]
    hashed = hashlib.sha256(first.encode()).hexdigest()
    other = ask({"token_sha256_to_refresh": hashlib.sha256(b"another").hexdigest()}).json()["access_token"]
    assert other == first
    renewed = ask({"token_sha256_to_refresh": hashed}).json()["access_token"]
    assert renewed != first
    assert ask().json()["access_token"] == renewed


def test_a_client_says_what_it_can_handle(ask: Ask) -> None:
    """The capability is in the token, by which services know whether to challenge."""
    assert "xms_cc" not in claims_of(ask())
    assert claims_of(ask({"xms_cc": "CP1"}))["xms_cc"] == ["CP1"]
