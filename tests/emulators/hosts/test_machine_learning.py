"""The endpoint of Azure Machine Learning on the wire."""

from __future__ import annotations

import os

import pytest
from support.host_requests import VAULT, Ask, claims_of, unassign_all, user_assigned

from azcred_emulators.hosts.endpoint import Endpoint
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place


@pytest.fixture
def place(azcred: Azcred) -> Place:
    """A compute instance."""
    return azcred.environment("machine-learning")


@pytest.fixture
def ask(place: Place) -> Ask:
    """A request that is granted."""
    return Ask(
        os.environ["MSI_ENDPOINT"],
        query={"api-version": "2017-09-01", "resource": VAULT},
        headers={"secret": os.environ["MSI_SECRET"]},
    )


def test_the_body(ask: Ask, place: Place) -> None:
    """The expiry is in epoch seconds, and the variable names the identity that is used."""
    body = ask().json()
    assert set(body) == {"access_token", "client_id", "expires_on", "resource", "token_type"}
    assert int(body["expires_on"]) == claims_of(ask())["exp"]
    assert body["client_id"] == place.identity.client_id == os.environ["DEFAULT_IDENTITY_CLIENT_ID"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"api-version": "2019-08-01"}, 400),
        ({"resource": None}, 400),
        ({"resource": "https://typo.example"}, 400),
        ({"clientid": "0" * 36}, 404),
        ({"object_id": "0" * 36}, 404),
        ({"mi_res_id": "/subscriptions/0"}, 404),
    ],
)
def test_a_wrong_request_is_refused_in_plain_text(ask: Ask, query: dict[str, str | None], status: int) -> None:
    """The endpoint does not write JSON when it refuses, and finds identities by client id alone."""
    response = ask(query)
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/plain")


def test_the_secret_is_asked_for(ask: Ask) -> None:
    """With the recorded text."""
    response = ask(headers={"secret": "wrong"})
    assert (response.status_code, response.text) == (401, "Invalid secret token header: .")


def test_an_identity_is_selected_by_its_client_id(ask: Ask, azcred: Azcred, host: Endpoint) -> None:
    """In the one spelling that the version has."""
    two = user_assigned(azcred, host, "two")
    assert claims_of(ask({"clientid": two.client_id}))["appid"] == two.client_id


def test_without_any_identity(ask: Ask, azcred: Azcred, host: Endpoint) -> None:
    """The recorded text speaks of a status of its own."""
    unassign_all(azcred, host)
    assert ask().text == "InternalError - :{\nInfo: Request failure status code: 404\n\n}"
