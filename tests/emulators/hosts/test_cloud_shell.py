"""The endpoint of Cloud Shell on the wire."""

from __future__ import annotations

import os

import pytest
from support.host_requests import VAULT, Ask, claims_of

from azcred_emulators.directory import User
from azcred_emulators.hosts.cloud_shell import CloudShell
from azcred_emulators.hosts.endpoint import Endpoint
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place


@pytest.fixture
def place(azcred: Azcred) -> Place:
    """A session of the console."""
    return azcred.environment("cloud-shell")


@pytest.fixture
def ask(place: Place) -> Ask:
    """A request that is granted."""
    return Ask(os.environ["MSI_ENDPOINT"], "POST", form={"resource": VAULT}, headers={"Metadata": "true"})


def test_the_token_is_the_users(ask: Ask, place: Place) -> None:
    """What msal reads of it is there, and the portal has asked for it."""
    body = ask().json()
    assert set(body) == {
        "access_token",
        "refresh_token",
        "expires_in",
        "expires_on",
        "not_before",
        "resource",
        "token_type",
    }
    claims = claims_of(ask())
    assert {"iss", "sub", "exp", "iat"} <= set(claims)
    assert (claims["oid"], claims["appid"]) == (place.user.object_id, "b677c290-cf4b-4a8e-a60e-91ba650a4abe")
    assert claims["scp"] == "user_impersonation"


def test_the_endpoint_is_at_its_fixed_address_too(ask: Ask) -> None:
    """Which is where msal's own flow, and so the Azure CLI, looks for it."""
    moved = Ask("http://localhost:50342/oauth2/token", "POST", form=ask.form, headers=ask.headers)
    assert claims_of(moved())["upn"] == "dana@contoso.com"


def test_the_resource_may_be_in_the_query(ask: Ask) -> None:
    """As Java's msal sends it, which takes GET for the method."""
    assert ask({"resource": VAULT}, form={"resource": None}).status_code == 200
    assert ask({"resource": VAULT}, form={"resource": None}, method="GET").status_code == 200


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"resource": None}, "InvalidRequest"),
        ({"resource": "https://typo.example"}, "AudienceNotSupported"),
        ({"client_id": "0" * 36}, "InvalidRequest"),
    ],
)
def test_a_wrong_request_is_refused(ask: Ask, form: dict[str, str | None], code: str) -> None:
    """With an object for an error. No identity can be chosen, and the list of audiences is closed."""
    response = ask(form=form)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


def test_wrong_method_and_header_are_refused(ask: Ask) -> None:
    """It is POST or GET, with the header that keeps forged requests out."""
    assert ask(method="PUT").status_code == 405
    assert ask(headers={"Metadata": None}).status_code == 400


def test_a_user_who_may_not_sign_in_gets_nothing(ask: Ask, place: Place, azcred: Azcred) -> None:
    """The directory decides."""
    azcred.directory.replace(place.user, enabled=False)
    assert ask().status_code == 401


def test_another_user_opens_the_console(ask: Ask, host: Endpoint, azcred: Azcred, place: Place) -> None:
    """The test names one of the directory."""
    robin = azcred.directory.add(User(name="Robin", tenant_id=place.user.tenant_id, principal_name="robin@contoso.com"))
    assert isinstance(host, CloudShell)
    host.user = robin.principal_name
    assert claims_of(ask())["oid"] == robin.object_id
