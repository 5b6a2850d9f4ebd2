"""IMDS on the wire: what it checks, which identity it means, what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
import pytest
from werkzeug.test import Client, TestResponse

from azcred_emulators.directory import ManagedIdentity, contoso, identifiers
from azcred_emulators.emulators import Emulators

BASE = "http://169.254.169.254"
PATH = "/metadata/identity/oauth2/token"
VAULT = "https://vault.azure.net"


def ask(
    client: Client,
    changes: Mapping[str, str | None] | None = None,
    *,
    path: str = PATH,
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    """Ask IMDS for a token; changes replace parameters of the query, None leaves one out."""
    query = {"api-version": "2018-02-01", "resource": VAULT, **(changes or {})}
    return client.get(
        path,
        base_url=BASE,
        query_string={name: value for name, value in query.items() if value is not None},
        headers={"Metadata": "true"} if headers is None else headers,
    )


def user_assigned(emulators: Emulators, name: str) -> ManagedIdentity:
    """Assign a new user-assigned identity to the machine."""
    identity = emulators.directory.add(
        ManagedIdentity(
            name=name,
            tenant_id=contoso.TENANT.id,
            resource_id=f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
        )
    )
    emulators.directory.assign("imds", identity)
    return identity


def client_id_of(response: TestResponse) -> object:
    """Read whose token an answer holds."""
    assert response.status_code == 200, response.text
    return jwt.decode(response.get_json()["access_token"], options={"verify_signature": False})["appid"]


def test_the_body_is_all_strings(client: Client) -> None:
    """Every SDK reads strings; Rust's and Python's differ on numbers."""
    response = ask(client)
    body = response.get_json()
    assert set(body) == {
        "access_token",
        "client_id",
        "expires_in",
        "expires_on",
        "ext_expires_in",
        "not_before",
        "resource",
        "token_type",
    }
    assert all(isinstance(value, str) for value in body.values())
    assert body["resource"] == VAULT
    assert int(body["expires_in"]) in (86399, 86400)
    assert response.content_type == "application/json; charset=utf-8"
    assert response.headers["Server"].startswith("IMDS/")


def test_the_token_names_the_machine(client: Client) -> None:
    """A system-assigned identity's token carries the machine's resource id and lives for 24 hours."""
    claims = jwt.decode(ask(client).get_json()["access_token"], options={"verify_signature": False})
    assert claims["xms_mirid"].endswith("/virtualMachines/emulated-vm")
    assert claims["appidacr"] == "2"
    assert claims["exp"] - claims["iat"] == 86700
    assert "xms_az_rid" not in claims


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", PATH.upper(), PATH.replace("/identity", "//identity")])
def test_every_clients_spelling_of_the_path_is_found(client: Client, path: str) -> None:
    """JavaScript lower-cases it and adds a slash, Java doubles the first one."""
    assert ask(client, path=path).status_code == 200


@dataclass(frozen=True)
class Refusal:
    """A request that is wrong in one way, and what IMDS says."""

    wrong: str
    error: str
    description: str
    parameters: dict[str, str | None] = field(default_factory=dict)
    headers: dict[str, str] | None = None


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("no header", "invalid_request", "Required metadata header not specified", headers={}),
        Refusal(
            "header of another value",
            "invalid_request",
            "Required metadata header not specified",
            headers={"Metadata": "false"},
        ),
        Refusal("no resource", "invalid_request", "Required query variable 'resource' is missing", {"resource": None}),
        Refusal("unknown resource", "invalid_resource", "AADSTS500011: ", {"resource": "https://typo.example"}),
        Refusal("unknown identity", "invalid_request", "Identity not found", {"client_id": "0" * 36}),
        Refusal("forwarded", "invalid_request", "", headers={"Metadata": "true", "X-Forwarded-For": "10.0.0.1"}),
    ],
    ids=lambda refusal: refusal.wrong,
)
def test_a_wrong_request_is_refused(refusal: Refusal, client: Client, emulators: Emulators) -> None:
    """Each refusal is a 400 with OAuth's two fields, and stands in the journal."""
    response = ask(client, refusal.parameters, headers=refusal.headers)
    body = response.get_json()
    assert response.status_code == 400
    assert set(body) == {"error", "error_description"}
    assert body["error"] == refusal.error
    assert body["error_description"].startswith(refusal.description)
    [entry] = emulators.journal.requests()
    assert (entry.status, entry.error) == (400, body["error_description"])


def test_the_answer_without_the_header_is_the_recorded_one(client: Client) -> None:
    """The body has the length that was recorded from a real machine."""
    assert len(ask(client, headers={}).data) == 88


@pytest.mark.parametrize("version", [None, "2017-01-01", "latest", ""])
def test_an_unknown_api_version_is_refused(client: Client, version: str | None) -> None:
    """IMDS names its newest versions."""
    response = ask(client, {"api-version": version})
    assert response.status_code == 400
    assert response.get_json()["error"].startswith("Bad request. api-version is invalid")
    assert len(response.get_json()["newest-versions"]) == 3


def test_wrong_method_and_path_are_refused(client: Client) -> None:
    """They are answered as JSON, too."""
    assert client.post(PATH, base_url=BASE, headers={"Metadata": "true"}).status_code == 405
    assert client.get("/metadata/other", base_url=BASE, headers={"Metadata": "true"}).status_code == 404


SELECTORS = [
    ("client_id", "client_id"),
    ("clientid", "client_id"),
    ("object_id", "object_id"),
    ("principal_id", "object_id"),
    ("principalId", "object_id"),
    ("msi_res_id", "resource_id"),
    ("mi_res_id", "resource_id"),
    ("msi-res-id", "resource_id"),
    ("resource_id", "resource_id"),
]


@pytest.mark.parametrize(("parameter", "attribute"), SELECTORS)
def test_an_identity_is_selected_by_each_of_its_ids(
    client: Client, emulators: Emulators, parameter: str, attribute: str
) -> None:
    """All SDKs' spellings are understood, in any case of the id."""
    user_assigned(emulators, "one")
    two = user_assigned(emulators, "two")
    response = ask(client, {parameter: getattr(two, attribute).upper()})
    assert client_id_of(response) == two.client_id
    [entry] = emulators.journal.requests()
    assert (entry.identity, entry.client_id) == ("two", two.client_id)


def test_without_a_name_the_system_assigned_identity_is_meant(client: Client, emulators: Emulators) -> None:
    """Even if the machine has others."""
    user_assigned(emulators, "one")
    assert client_id_of(ask(client)) == identifiers.VIRTUAL_MACHINE_CLIENT_ID


def test_the_only_user_assigned_identity_needs_no_name(client: Client, emulators: Emulators) -> None:
    """Its token names the identity and the machine."""
    emulators.directory.unassign("imds", *emulators.directory.assigned("imds"))
    one = user_assigned(emulators, "one")
    response = ask(client)
    assert client_id_of(response) == one.client_id
    claims = jwt.decode(response.get_json()["access_token"], options={"verify_signature": False})
    assert claims["xms_mirid"] == one.resource_id
    assert claims["xms_az_rid"].endswith("/virtualMachines/emulated-vm")


def test_among_several_user_assigned_identities_one_must_be_named(client: Client, emulators: Emulators) -> None:
    """IMDS does not choose."""
    emulators.directory.unassign("imds", *emulators.directory.assigned("imds"))
    user_assigned(emulators, "one")
    user_assigned(emulators, "two")
    response = ask(client)
    assert response.status_code == 400
    assert response.get_json()["error_description"].startswith("Multiple user assigned identities exist")


def test_a_machine_without_identity_has_no_token(client: Client, emulators: Emulators) -> None:
    """This is what the SDKs take for "no managed identity here"."""
    emulators.directory.unassign("imds", *emulators.directory.assigned("imds"))
    response = ask(client)
    assert response.status_code == 400
    assert response.get_json()["error_description"] == "Identity not found"


def test_tokens_come_from_imds_own_cache(client: Client, emulators: Emulators) -> None:
    """The same token comes back until half its life is over, or the client asks to bypass the cache."""
    first = ask(client).get_json()["access_token"]
    assert ask(client).get_json()["access_token"] == first
    assert ask(client, {"resource": "https://graph.microsoft.com"}).get_json()["access_token"] != first
    emulators.clock.advance(hours=11)
    later = ask(client).get_json()
    assert later["access_token"] == first
    assert int(later["expires_in"]) <= 13 * 3600
    assert ask(client, {"bypass_cache": "true"}).get_json()["access_token"] != first
    emulators.clock.advance(hours=13)
    assert ask(client).get_json()["access_token"] != first
