"""The endpoint of App Service, Functions and Container Apps on the wire."""

from __future__ import annotations

import os
from datetime import datetime, timezone

import pytest
from support.host_requests import VAULT, Ask, claims_of, unassign_all, user_assigned

from azcred_emulators.hosts.app_service import AppService
from azcred_emulators.hosts.endpoint import Endpoint
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place


@pytest.fixture(params=["app-service", "functions", "container-apps"])
def place(azcred: Azcred, request: pytest.FixtureRequest) -> Place:
    """Each place that has this endpoint."""
    return azcred.environment(request.param)


@pytest.fixture
def ask(place: Place) -> Ask:
    """A request as the version of 2019 wants it."""
    return Ask(
        os.environ["IDENTITY_ENDPOINT"],
        query={"api-version": "2019-08-01", "resource": VAULT},
        headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]},
    )


@pytest.fixture
def legacy(ask: Ask) -> Ask:
    """A request as the version of 2017 wants it."""
    return Ask(
        ask.url,
        query={"api-version": "2017-09-01", "resource": VAULT},
        headers={"Secret": os.environ["IDENTITY_HEADER"]},
    )


def test_the_body(ask: Ask, place: Place) -> None:
    """Strings, no `expires_in`, and the client id in upper case."""
    body = ask().json()
    assert set(body) == {"access_token", "client_id", "expires_on", "resource", "token_type"}
    assert all(isinstance(value, str) for value in body.values())
    assert body["client_id"] == place.identity.client_id.upper()
    assert body["resource"] == VAULT
    claims = claims_of(ask())
    assert int(body["expires_on"]) == claims["exp"]
    assert claims["appid"] == place.identity.client_id


def test_the_variables_of_the_place(place: Place) -> None:
    """App Service and Functions set those of 2017 as well; Container Apps never had them."""
    assert os.environ["IDENTITY_ENDPOINT"].endswith("/msi/token")
    legacy = "MSI_ENDPOINT" in os.environ, "MSI_SECRET" in os.environ
    assert legacy == ((False, False) if place.environment.name == "container-apps" else (True, True))


@pytest.mark.parametrize(("system", "form"), [("linux", "%m/%d/%Y %H:%M:%S +00:00"), ("windows", None)])
def test_the_version_of_2017_writes_dates(legacy: Ask, host: Endpoint, system: str, form: str | None) -> None:
    """Linux with leading zeros, Windows without and with AM or PM."""
    assert isinstance(host, AppService)
    host.operating_system = system  # type: ignore[assignment]  # one of the two
    response = legacy()
    expires = datetime.fromtimestamp(int(str(claims_of(response)["exp"])), timezone.utc)
    hour = expires.hour % 12 or 12
    windows = f"{expires.month}/{expires.day}/{expires.year} {hour}:{expires:%M:%S} {expires:%p} +00:00"
    assert response.json()["expires_on"] == (expires.strftime(form) if form else windows)


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"api-version": None}, 400, "Unsupported API version."),
        ({"api-version": "2016-01-01"}, 400, "Unsupported API version."),
        ({"resource": None}, 400, "The parameter 'resource' is missing."),
        ({"resource": "https://typo.example"}, 500, "An unexpected error occured while fetching the AAD Token."),
        (
            {"client_id": "0" * 36},
            400,
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
        ),
    ],
)
def test_a_wrong_request_is_refused(
    ask: Ask, query: dict[str, str | None], status: int, message: str, azcred: Azcred
) -> None:
    """In the three fields that SDKs look for, with an id for the support."""
    response = ask(query)
    body = response.json()
    assert (response.status_code, body["statusCode"], body["message"]) == (status, status, message)
    assert set(body) == {"statusCode", "message", "correlationId"}
    assert azcred.journal.requests()[-1].error == message


@pytest.mark.parametrize("secret", [None, "", "wrong"])
def test_the_secret_is_asked_for(ask: Ask, legacy: Ask, secret: str | None) -> None:
    """In the header of the version; neither has the other's."""
    assert ask(headers={"X-IDENTITY-HEADER": secret}).status_code == 401
    assert legacy(headers={"Secret": secret}).status_code == 401
    assert ask(headers={"X-IDENTITY-HEADER": secret, "Secret": os.environ["IDENTITY_HEADER"]}).status_code == 401


def test_wrong_method_and_path_are_refused(ask: Ask) -> None:
    """In the same shape."""
    assert ask(method="POST").json()["statusCode"] == 405
    assert ask(path="/other").json()["statusCode"] == 404


@pytest.mark.parametrize(
    ("parameter", "attribute"),
    [
        ("client_id", "client_id"),
        ("clientid", "client_id"),
        ("object_id", "object_id"),
        ("principal_id", "object_id"),
        ("mi_res_id", "resource_id"),
        ("resource_id", "resource_id"),
    ],
)
def test_an_identity_is_selected_by_each_of_its_ids(
    ask: Ask, azcred: Azcred, host: Endpoint, parameter: str, attribute: str
) -> None:
    """msal and azure-identity's aio half spell them differently."""
    two = user_assigned(azcred, host, "two")
    assert claims_of(ask({parameter: getattr(two, attribute)}))["appid"] == two.client_id
    assert azcred.journal.requests()[-1].identity == "two"


def test_without_any_identity(ask: Ask, azcred: Azcred, host: Endpoint) -> None:
    """An app whose identity was taken away."""
    unassign_all(azcred, host)
    assert ask().json()["message"] == "Unable to load the proper Managed Identity."


def test_tokens_come_from_the_hosts_own_cache(ask: Ask, azcred: Azcred) -> None:
    """Until half of their life is over."""
    first = ask().json()["access_token"]
    assert ask().json()["access_token"] == first
    azcred.clock.advance(hours=13)
    assert ask().json()["access_token"] != first
