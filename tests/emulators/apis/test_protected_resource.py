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
        with pytest.raises(ResourceNotFoundError, match="The test has set no answer for GET /secrets/other"):
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
