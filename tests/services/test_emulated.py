"""Azure Resource Manager and Microsoft Graph: what is emulated answers beside what a test sets."""

from __future__ import annotations

import azure.identity
import pytest
import requests
from azure.core.exceptions import HttpResponseError

from azcred_emulators.directory import identifiers
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")


def test_resource_manager(azcred: Azcred, place: Place) -> None:
    """Subscriptions are the directory's, groups the test's; another identity is refused its groups."""
    module = sdk("azure.mgmt.resource.resources", "azure-mgmt-resource")
    manager = azcred.resource("https://management.azure.com")
    path = f"/subscriptions/{identifiers.SUBSCRIPTION_ID}/resourcegroups"
    manager.answer("GET", path, json={"value": [{"name": "shop", "location": "westeurope"}]})
    with azure.identity.DefaultAzureCredential() as credential:
        client = module.ResourceManagementClient(credential, identifiers.SUBSCRIPTION_ID, retry_total=0)
        assert [group.name for group in client.resource_groups.list()] == ["shop"]
        headers = {"Authorization": f"Bearer {credential.get_token('https://management.azure.com/.default').token}"}
        url = "https://management.azure.com/subscriptions?api-version=2022-12-01"
        [found] = requests.get(url, headers=headers).json()["value"]
        assert found["subscriptionId"] == identifiers.SUBSCRIPTION_ID
        manager.allow("dana@contoso.com")
        with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
            list(client.resource_groups.list())
        assert requests.get(url, headers=headers).status_code == 403


def test_graph(azcred: Azcred) -> None:
    """Who has signed in is emulated, the rest is the test's."""
    azcred.environment("developer-azure-cli")
    graph = azcred.resource("https://graph.microsoft.com")
    graph.answer("GET", "/v1.0/users", json={"value": []})
    with azure.identity.DefaultAzureCredential() as credential:
        token = credential.get_token("https://graph.microsoft.com/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{graph.url}/v1.0/users", headers=headers).json() == {"value": []}
    me = requests.get(f"{graph.url}/v1.0/me", headers=headers).json()
    assert me["userPrincipalName"] == graph.requests[-1].identity
    graph.allow()
    assert requests.get(f"{graph.url}/v1.0/me", headers=headers).status_code == 403
