"""The real client of Container Registry exchanges its token and lists what there is."""

from __future__ import annotations

import asyncio

import azure.identity
import azure.identity.aio
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from azcred_emulators.apis.protected_resource import ProtectedResource
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def registry(azcred: Azcred) -> ProtectedResource:
    """A registry with two repositories."""
    return azcred.resource("https://shop.azurecr.io").fill(repositories={"orders": ["v1", "v2"], "team/web": []})


def test_the_catalog(registry: ProtectedResource, place: Place, azcred: Azcred) -> None:
    """By way of the registry's own tokens."""
    module = sdk("azure.containerregistry", "azure-containerregistry")
    with (
        azure.identity.DefaultAzureCredential() as credential,
        module.ContainerRegistryClient(registry.url, credential) as client,
    ):
        assert list(client.list_repository_names()) == ["orders", "team/web"]
        assert [tag.name for tag in client.list_tag_properties("orders")] == ["v1", "v2"]
        assert client.get_tag_properties("orders", "v2").digest.startswith("sha256:")
        assert client.get_repository_properties("orders").tag_count == 2
        client.delete_tag("orders", "v1")
        with pytest.raises(ResourceNotFoundError, match="NAME_UNKNOWN"):
            client.get_repository_properties("other")
    assert registry.content["repositories"] == {"orders": ["v2"], "team/web": []}
    first = [(each.path, each.status) for each in registry.requests[:4]]
    exchange = [("/oauth2/exchange", 200), ("/oauth2/token", 200)]
    assert first == [("/acr/v1/_catalog", 401), *exchange, ("/acr/v1/_catalog", 200)]
    assert registry.requests[3].identity == place.identity.name
    assert place.requests()[-1].resource == "https://containerregistry.azure.net"


def test_the_catalog_with_asyncio(registry: ProtectedResource, place: Place) -> None:
    """The same client's other half."""
    module = sdk("azure.containerregistry.aio", "azure-containerregistry")

    async def names() -> list[str]:
        async with (
            azure.identity.aio.DefaultAzureCredential() as credential,
            module.ContainerRegistryClient(registry.url, credential) as client,
        ):
            return [name async for name in client.list_repository_names()]

    assert asyncio.run(names()) == ["orders", "team/web"]


def test_another_identity(registry: ProtectedResource, place: Place) -> None:
    """It is refused at the exchange."""
    module = sdk("azure.containerregistry", "azure-containerregistry")
    registry.allow("dana@contoso.com")
    with (
        azure.identity.DefaultAzureCredential() as credential,
        module.ContainerRegistryClient(registry.url, credential, retry_total=0) as client,
        pytest.raises(HttpResponseError, match="DENIED"),
    ):
        list(client.list_repository_names())


def test_nobody_in_particular(registry: ProtectedResource) -> None:
    """An anonymous client gets no token, and Entra ID's own token opens nothing."""
    module = sdk("azure.containerregistry", "azure-containerregistry")
    with (
        module.ContainerRegistryClient(registry.url, None, retry_total=0) as client,
        pytest.raises(ClientAuthenticationError),
    ):
        list(client.list_repository_names())


def test_a_token_of_the_registry_ends(registry: ProtectedResource, azcred: Azcred) -> None:
    """After three hours a client must exchange again."""
    place = azcred.environment("app-service")
    audience = "https://containerregistry.azure.net/.default"
    token = azure.identity.ManagedIdentityCredential().get_token(audience).token
    form = {"grant_type": "access_token", "service": "shop.azurecr.io", "access_token": token}
    refresh = requests.post(f"{registry.url}/oauth2/exchange", form).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "service": "shop.azurecr.io", "refresh_token": refresh}
    access = requests.post(f"{registry.url}/oauth2/token", form).json()["access_token"]
    headers = {"Authorization": f"Bearer {access}"}
    assert requests.get(f"{registry.url}/v2/", headers=headers).status_code == 200
    azcred.clock.advance(hours=4)
    assert requests.get(f"{registry.url}/v2/", headers=headers).status_code == 401
    assert requests.post(f"{registry.url}/oauth2/token", form).status_code == 401
    assert place.statuses == [200]


def test_what_a_registry_cannot_hold(registry: ProtectedResource) -> None:
    """Is refused where the test fills it in."""
    with pytest.raises(ValueError, match="the tags of the repository 'orders' are a list of texts"):
        registry.fill(repositories={"orders": "v1"})
