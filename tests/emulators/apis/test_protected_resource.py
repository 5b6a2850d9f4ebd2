"""A protected resource at a real name, asked by the real Key Vault client."""

import asyncio
import os
import uuid
from typing import Any

import azure.identity
import azure.identity.aio
import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

import pytest_azcred.credentials.aio
from azcred_emulators.apis.protected_resource import ProtectedResource
from azcred_emulators.directory import Application
from azcred_emulators.tokens.access import AppOnlyAccess
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place


@pytest.fixture
def vault(azcred: Azcred) -> ProtectedResource:
    """A vault with one secret. Its name is new each time: the client remembers a vault's challenge for ever."""
    vault = azcred.resource(f"https://vault-{uuid.uuid4().hex[:8]}.vault.azure.net")
    secret = {"value": "hunter2", "id": f"{vault.url}/secrets/database/1", "attributes": {"enabled": True}}
    vault.answer("GET", "/secrets/database", json=secret)
    return vault


@pytest.mark.parametrize("library", [azure.identity, pytest_azcred.credentials], ids=["azure-identity", "ours"])
@pytest.mark.parametrize("name", ["virtual-machine", "kubernetes", "developer-service-principal"])
def test_the_real_client_reads_its_secret(name: str, library: Any, vault: ProtectedResource, azcred: Azcred) -> None:
    """The client is challenged, gets a token for the vault's audience, and is answered."""
    place = azcred.environment(name)
    with library.DefaultAzureCredential() as credential, SecretClient(vault.url, credential) as client:
        assert client.get_secret("database").value == "hunter2"
    asked = azcred.journal.requests(emulator="resource")
    assert [entry.status for entry in asked] == [401, 200]
    assert asked[-1].client_id == place.identity.client_id
    assert place.requests()[-1].resource == "https://vault.azure.net"


async def read_secret(library: Any, url: str) -> str | None:
    """Read the secret as an async app does."""
    async with library.DefaultAzureCredential() as credential, AsyncSecretClient(url, credential) as client:
        return (await client.get_secret("database")).value


@pytest.mark.parametrize("library", [azure.identity.aio, pytest_azcred.credentials.aio], ids=["azure-identity", "ours"])
def test_the_async_client_reads_its_secret(
    library: Any, vault: ProtectedResource, fake_managed_identity: Place
) -> None:
    """The same with aiohttp underneath."""
    assert asyncio.run(read_secret(library, vault.url)) == "hunter2"
    assert fake_managed_identity.statuses[-1] == 200


def test_other_answers_reach_the_app(vault: ProtectedResource, fake_managed_identity: Place) -> None:
    """Errors of the service are set like any answer; what was not set is not found, and says so."""
    vault.answer("GET", "/secrets/broken", status=403, json={"error": {"code": "Forbidden", "message": "no access"}})
    with azure.identity.DefaultAzureCredential() as credential, SecretClient(vault.url, credential) as client:
        with pytest.raises(HttpResponseError, match="no access"):
            client.get_secret("broken")
        with pytest.raises(ResourceNotFoundError, match=r"other was not found in this key vault: fill\(secrets="):
            client.get_secret("other")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"aud": "https://storage.azure.com"}, "the token is not for https://vault.azure.net"),
        ({"exp": 1}, "the token has expired"),
        ({"nbf": 4_000_000_000}, "the token is not valid yet"),
        ({"iss": "https://sts.windows.net/99999999-9999-4999-8999-999999999999/"}, "the token's issuer"),
        ({"tid": "99999999-9999-4999-8999-999999999999"}, "the token's issuer"),
    ],
)
def test_a_wrong_token_is_refused(
    change: dict[str, object], reason: str, vault: ProtectedResource, fake_managed_identity: Place, azcred: Azcred
) -> None:
    """Each check of a real API is made, and the answer says which failed."""
    claims = dict(
        azcred.tokens.app_only(AppOnlyAccess(fake_managed_identity.identity, "https://vault.azure.net")).claims
    )
    good = azcred.tokens.mint(claims).value
    bad = azcred.tokens.mint({**claims, **change}).value
    assert requests.get(f"{vault.url}/secrets/database", headers={"Authorization": f"Bearer {good}"}).status_code == 200
    response = requests.get(f"{vault.url}/secrets/database", headers={"Authorization": f"Bearer {bad}"})
    assert response.status_code == 401
    assert reason in response.json()["error"]["message"]
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer a.b.c", "Bearer \xff"])
def test_what_is_no_token_is_challenged(authorization: str, vault: ProtectedResource) -> None:
    """The challenge names the authority and the audience."""
    response = requests.get(f"{vault.url}/secrets/database", headers={"Authorization": authorization.encode("latin-1")})
    assert response.status_code == 401
    assert 'authorization="https://login.microsoftonline.com/' in response.headers["WWW-Authenticate"]
    assert 'resource="https://vault.azure.net"' in response.headers["WWW-Authenticate"]


def test_a_tampered_token_is_refused(vault: ProtectedResource, fake_managed_identity: Place, azcred: Azcred) -> None:
    """Only the run's own key signs tokens."""
    token = azcred.tokens.app_only(AppOnlyAccess(fake_managed_identity.identity, "https://vault.azure.net")).value
    head, claims, signature = token.split(".")
    forged = ".".join([head, claims, signature[::-1]])
    assert requests.get(vault.url, headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_an_api_of_your_own(azcred: Azcred, fake_managed_identity: Place) -> None:
    """Any name, any audience."""
    azcred.directory.add(
        Application(
            name="orders", tenant_id=fake_managed_identity.identity.tenant_id, identifier_uris=("api://orders",)
        )
    )
    orders = azcred.resource("https://orders.contoso.com", audience="api://orders")
    orders.answer("POST", "/orders", status=201, data="made", headers={"Location": "/orders/1"})
    with azure.identity.DefaultAzureCredential() as credential:
        token = credential.get_token("api://orders/.default").token
    response = requests.post("https://orders.contoso.com/orders", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.text, response.headers["Location"]) == (201, "made", "/orders/1")


def test_misuse_is_one_sentence(azcred: Azcred) -> None:
    """A resource is at an https URL."""
    for wrong in ("myvault", "http://myvault.vault.azure.net", "https://"):
        with pytest.raises(ValueError, match="a resource is at an https URL"):
            azcred.resource(wrong)


@pytest.mark.parametrize(
    ("method", "path", "answer", "sentence"),
    [
        ("GET", "secrets/x", {}, "an answer is for a path alone, which starts with a slash: write '/secrets/x'"),
        ("GET", "/secrets?x=1", {}, "write '/secrets', not '/secrets?x=1'"),
        ("GET", "/secrets#x", {}, "write '/secrets'"),
        ("GET", "https://orders.contoso.com/orders", {}, "write '/orders'"),
        ("GET", "/a//b", {}, "write '/a/b'"),
        ("GET", "/a%20b", {}, "write '/a b'"),
        ("GTE", "/", {}, "there is no method 'GTE'; did you mean 'GET'?"),
        ("FETCH", "/", {}, "there is no method 'FETCH'; did you mean 'PATCH'?"),
        ("GET", "/", {"status": 99}, "an answer has a status from 200 to 599, not 99"),
        ("GET", "/", {"status": "200"}, "an answer has a status from 200 to 599, not '200'"),
        ("GET", "/", {"json": {"value": object}}, "an answer's json is what JSON can hold: Object of type type is not"),
        ("GET", "/", {"json": float("nan")}, "an answer's json is what JSON can hold: Out of range float"),
        ("GET", "/", {"json": {}, "data": "{}"}, "an answer has one body: give either json or data"),
        ("GET", "/", {"data": {"value": 1}}, "an answer's data is bytes or text, not {'value': 1}"),
    ],
)
def test_an_answer_that_nobody_gets(
    vault: ProtectedResource, method: str, path: str, answer: dict[str, Any], sentence: str
) -> None:
    """Where the test sets it, and not when the app is answered that there is none."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the sentence is compared below
        vault.answer(method, path, **answer)
    assert sentence in str(error.value)


def test_answers_with_a_body_that_is_false(azcred: Azcred, fake_managed_identity: Place) -> None:
    """An empty list, and a path with a character that URLs encode, or a slash at its end."""
    orders = azcred.resource("https://orders.contoso.com", audience="https://vault.azure.net")
    orders.answer("get", "/all orders/", json=[])
    token = azure.identity.ManagedIdentityCredential().get_token("https://vault.azure.net/.default").token
    answer = requests.get(f"{orders.url}/all%20orders?top=1", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (answer.status_code, answer.json()) == (200, [])


# Azure Resource Manager's two names


@pytest.mark.parametrize(
    ("host", "audience"),
    [
        ("management.azure.com", "https://management.azure.com"),
        ("management.azure.com", "https://management.core.windows.net"),
        ("management.azure.com", "https://management.core.windows.net/"),
        ("management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net/"),
        ("management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"),
    ],
)
@pytest.mark.parametrize("place", ["virtual-machine", "developer-service-principal", "developer-azure-cli"])
def test_a_stand_in_for_azure_resource_manager(azcred: Azcred, place: str, host: str, audience: str) -> None:
    """It takes tokens for its own name and for the older one, which every place hands out."""
    azcred.environment(place)
    manager = azcred.resource(f"https://{host}")
    manager.answer("GET", "/providers", json={"value": []})
    with azure.identity.DefaultAzureCredential() as credential:
        token = credential.get_token(f"{audience}/.default").token
    answer = requests.get(f"{manager.url}/providers", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.json() == {"value": []}
    azcred.journal.assert_tokens(resource=audience, times=1)


@pytest.mark.parametrize("audience", ["https://management.core.windows.net", "https://management.core.windows.net/"])
def test_the_emulated_azure_resource_manager_takes_the_older_name(
    azcred: Azcred, fake_managed_identity: Place, audience: str
) -> None:
    """And refuses what is for another cloud's."""
    credential = azure.identity.ManagedIdentityCredential()
    url = "https://management.azure.com/subscriptions?api-version=2022-12-01"
    for resource, status in ((audience, 200), ("https://management.core.usgovcloudapi.net", 401)):
        token = credential.get_token(f"{resource}/.default").token
        assert requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code == status
    azcred.journal.assert_requests(emulator="resource-manager", status=401, times=1)


# Continuous access evaluation


def test_a_revocation_makes_a_capable_client_get_a_new_token(vault: ProtectedResource, azcred: Azcred) -> None:
    """azure-core answers the claims challenge by asking Entra ID again, with the claims, and the app goes on."""
    azcred.environment("developer-service-principal")
    credential = azure.identity.ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
    )
    with credential, SecretClient(vault.url, credential) as client:
        client.get_secret("database")
        vault.revoke()
        assert client.get_secret("database").value == "hunter2"
    assert [entry.status for entry in azcred.journal.requests(emulator="resource")] == [401, 200, 401, 200]
    azcred.journal.assert_tokens(provider="environment", times=2)


def test_a_client_without_the_capability_keeps_its_token(
    vault: ProtectedResource, fake_managed_identity: Place, azcred: Azcred
) -> None:
    """As with the real services, its token is good until it expires."""
    token = azcred.tokens.app_only(AppOnlyAccess(fake_managed_identity.identity, "https://vault.azure.net")).value
    vault.revoke()
    response = requests.get(f"{vault.url}/secrets/database", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200
