"""The real clients of App Configuration set and read settings, and follow references to Key Vault."""

from __future__ import annotations

import asyncio

import azure.identity
import azure.identity.aio
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from azcred_emulators.apis.protected_resource import ProtectedResource
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def store(azcred: Azcred) -> ProtectedResource:
    """A store with settings."""
    store = azcred.resource("https://shop.azconfig.io")
    return store.fill(settings={"color": "red", "color[test]": "blue", "size": "10"})


def test_settings(store: ProtectedResource, place: Place) -> None:
    """Read, listed, set, compared, deleted."""
    module = sdk("azure.appconfiguration", "azure-appconfiguration")
    with (
        azure.identity.DefaultAzureCredential() as credential,
        module.AzureAppConfigurationClient(store.url, credential) as client,
    ):
        assert client.get_configuration_setting("color").value == "red"
        blue = client.get_configuration_setting("color", label="test")
        assert blue.value == "blue"
        assert [(each.key, each.label) for each in client.list_configuration_settings(key_filter="col*")] == [
            ("color", None),
            ("color", "test"),
        ]
        assert [each.value for each in client.list_configuration_settings(label_filter="\0")] == ["red", "10"]
        setting = module.ConfigurationSetting(key="size", value="11", tags={"team": "shop"})
        assert client.set_configuration_setting(setting).tags == {"team": "shop"}
        assert store.content["settings"]["size"] == "11"
        with pytest.raises(ResourceExistsError):
            client.add_configuration_setting(setting)
        blue.value = "green"
        kept = client.set_configuration_setting(blue, match_condition=MatchConditions.IfNotModified)
        with pytest.raises(ResourceModifiedError):
            client.set_configuration_setting(blue, match_condition=MatchConditions.IfNotModified, etag="other")
        assert kept.value == "green"
        client.delete_configuration_setting("size")
        with pytest.raises(ResourceNotFoundError):
            client.get_configuration_setting("size")
    assert store.content["settings"] == {"color": "red", "color[test]": "green"}
    assert place.requests()[-1].resource == "https://azconfig.io"


def test_settings_with_asyncio(store: ProtectedResource, place: Place) -> None:
    """The same client's other half."""
    module = sdk("azure.appconfiguration.aio", "azure-appconfiguration")

    async def read() -> str:
        async with (
            azure.identity.aio.DefaultAzureCredential() as credential,
            module.AzureAppConfigurationClient(store.url, credential) as client,
        ):
            return str((await client.get_configuration_setting("color")).value)

    assert asyncio.run(read()) == "red"


def test_the_provider_follows_references(store: ProtectedResource, place: Place, azcred: Azcred) -> None:
    """To a vault that checks the token as well."""
    provider = sdk("azure.appconfiguration.provider", "azure-appconfiguration-provider")
    azcred.resource("https://shop.vault.azure.net").fill(secrets={"database": "hunter2"})
    store.fill(references={"password": "https://shop.vault.azure.net/secrets/database"})
    with azure.identity.DefaultAzureCredential() as credential:
        settings = provider.load(endpoint=store.url, credential=credential, keyvault_credential=credential)
    assert (settings["color"], settings["password"]) == ("red", "hunter2")
    assert {entry.resource for entry in place.requests()} >= {"https://vault.azure.net"}


def test_another_identity(store: ProtectedResource, place: Place) -> None:
    """Without the role "App Configuration Data Reader"."""
    module = sdk("azure.appconfiguration", "azure-appconfiguration")
    store.allow("dana@contoso.com")
    with (
        azure.identity.DefaultAzureCredential() as credential,
        module.AzureAppConfigurationClient(store.url, credential, retry_total=0) as client,
        pytest.raises(HttpResponseError) as refused,
    ):
        client.get_configuration_setting("color")
    assert refused.value.status_code == 403


def test_what_a_store_cannot_hold(store: ProtectedResource) -> None:
    """Is refused where the test fills it in."""
    with pytest.raises(ValueError, match="the value of the setting 'size' is text, not 10"):
        store.fill(settings={"size": 10})
