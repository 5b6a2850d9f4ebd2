"""Pods and pipelines: whose own tokens are exchanged for those of Entra ID."""

from __future__ import annotations

import os

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from support.published import verified
from support.sdk import IDENTITY, Sdk

from azcred_emulators.directory import contoso, identifiers
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id
PROXY = pytest.mark.skipif(IDENTITY < (1, 26), reason="azure-identity knows the token proxy of AKS from 1.26 on")


@PROXY
def test_an_identity_binding(azcred: Azcred, sdk: Sdk) -> None:
    """The pod's token goes to the cluster's proxy, under the name of its certificate, and never to Entra ID."""
    place = azcred.environment("kubernetes-identity-binding")
    token = sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True).get_token(SCOPE).token
    assert verified(token, resource=VAULT, tenant=TENANT)["appid"] == place.identity.client_id
    azcred.journal.assert_tokens(times=1)
    [request] = place.requests()
    assert (request.emulator, request.provider) == ("identity-binding", "workload-identity")
    assert request.path == f"/{TENANT}/oauth2/v2.0/token"
    assert place.statuses == [200]


@PROXY
def test_the_certificate_may_be_in_a_file(
    azcred: Azcred, sdk: Sdk, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of the variable with its text."""
    azcred.environment("kubernetes-identity-binding")
    file = f"{tmp_path}/ca.crt"
    with open(file, "w") as ca:
        ca.write(os.environ["AZURE_KUBERNETES_CA_DATA"])
    monkeypatch.delenv("AZURE_KUBERNETES_CA_DATA")
    monkeypatch.setenv("AZURE_KUBERNETES_CA_FILE", file)
    assert sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True).get_token(SCOPE)


@PROXY
@pytest.mark.parametrize("case", ["not bound", "not allowed", "of an ordinary pod"])
def test_a_pod_that_may_not(azcred: Azcred, sdk: Sdk, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The identity must be bound to the cluster, the service account allowed, and the token for the proxy."""
    place = azcred.environment("kubernetes-identity-binding")
    if case == "not bound":
        azcred.directory.unassign("identity-binding", *azcred.directory.assigned("identity-binding"))
    elif case == "not allowed":
        with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"], "w") as file:
            cluster = azcred.issuers.get(identifiers.CLUSTER_ISSUER)
            file.write(cluster.assertion("system:serviceaccount:default:other", audience="api://AKSIdentityBinding"))
    else:
        with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"], "w") as file:
            file.write(azcred.issuers.get(identifiers.CLUSTER_ISSUER).assertion(identifiers.SERVICE_ACCOUNT))
    with pytest.raises(ClientAuthenticationError):
        sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True).get_token(SCOPE)
    assert place.statuses == [401 if case == "of an ordinary pod" else 403]


def test_without_the_proxy_entra_id_refuses_the_pod(azcred: Azcred, sdk: Sdk) -> None:
    """DefaultAzureCredential does not use the proxy, and the token's audience is not Entra ID's."""
    azcred.environment("kubernetes-identity-binding")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700211"):
        sdk.credential("DefaultAzureCredential").get_token(SCOPE)


def test_the_projected_token_rotates(azcred: Azcred, sdk: Sdk) -> None:
    """The kubelet renews it before it ends, and the credential reads it again."""
    azcred.environment("kubernetes")
    with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"]) as file:
        first = file.read()
    credential = sdk.credential("DefaultAzureCredential")
    credential.get_token(SCOPE)
    azcred.clock.advance(hours=25)
    credential.get_token(SCOPE)
    with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"]) as file:
        assert file.read() != first
    azcred.journal.assert_tokens(provider="workload-identity", times=2)


@pytest.mark.skipif(IDENTITY < (1, 17), reason="azure-identity has AzurePipelinesCredential from 1.17 on")
def test_azure_pipelines(azcred: Azcred, sdk: Sdk) -> None:
    """A job exchanges its service connection's token."""
    place = azcred.environment("azure-pipelines")
    credential = sdk.credential(
        "AzurePipelinesCredential",
        tenant_id=TENANT,
        client_id=place.identity.client_id,
        service_connection_id=os.environ["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
        system_access_token=os.environ["SYSTEM_ACCESSTOKEN"],
    )
    claims = verified(credential.get_token(SCOPE).token, resource=VAULT, tenant=TENANT)
    assert claims["appid"] == place.identity.client_id
    [first, second] = azcred.journal.requests(method="POST")
    assert (first.emulator, first.status, first.identity) == ("azure-pipelines", 200, "sc://contoso/app/azure")
    assert (second.emulator, second.status, second.provider) == ("authority", 200, "workload-identity")


@pytest.mark.skipif(IDENTITY < (1, 17), reason="azure-identity has AzurePipelinesCredential from 1.17 on")
@pytest.mark.parametrize(
    ("changed", "status"), [("system_access_token", 401), ("service_connection_id", 404)], ids=lambda value: str(value)
)
def test_azure_pipelines_refuses(azcred: Azcred, sdk: Sdk, changed: str, status: int) -> None:
    """A job without its access token, and a service connection that it does not have."""
    place = azcred.environment("azure-pipelines")
    settings = {
        "service_connection_id": os.environ["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
        "system_access_token": os.environ["SYSTEM_ACCESSTOKEN"],
        changed: "wrong",
    }
    credential = sdk.credential(
        "AzurePipelinesCredential", tenant_id=TENANT, client_id=place.identity.client_id, **settings
    )
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(SCOPE)
    assert [entry.status for entry in azcred.journal.requests()] == [status]


def github_token(audience: str = "api://AzureADTokenExchange") -> str:
    """Ask for the job's token, as azure/login and apps with ClientAssertionCredential do."""
    response = requests.get(
        f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={audience}",
        headers={"Authorization": f"bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        timeout=10,
    )
    return str(response.json()["value"])


def test_github_actions(azcred: Azcred, sdk: Sdk) -> None:
    """A job exchanges its own token, whose audience it has asked for."""
    place = azcred.environment("github-actions")
    credential = sdk.credential("ClientAssertionCredential", TENANT, place.identity.client_id, github_token)
    claims = verified(credential.get_token(SCOPE).token, resource=VAULT, tenant=TENANT)
    assert claims["appid"] == place.identity.client_id
    azcred.journal.assert_tokens(provider="workload-identity", times=1)


@pytest.mark.parametrize("case", ["another audience", "another branch"])
def test_github_actions_of_another_kind(azcred: Azcred, sdk: Sdk, case: str) -> None:
    """Entra ID refuses the token that the federated credential does not describe."""
    place = azcred.environment("github-actions")
    if case == "another branch":
        azcred.pipelines["github-actions"].subject = "repo:contoso/app:ref:refs/heads/feature"
    audience = "https://github.com/contoso" if case == "another audience" else "api://AzureADTokenExchange"
    credential = sdk.credential(
        "ClientAssertionCredential", TENANT, place.identity.client_id, lambda: github_token(audience)
    )
    expected = "AADSTS700212" if case == "another audience" else "AADSTS700213"
    with pytest.raises(ClientAuthenticationError, match=expected):
        credential.get_token(SCOPE)


@pytest.mark.parametrize(("name", "minutes"), [("azure-pipelines", 9), ("github-actions", 4)])
def test_a_long_job_loses_its_login(azcred: Azcred, sdk: Sdk, name: str, minutes: int) -> None:
    """`az` goes on with the token that it has, but gets no other with the pipeline's, which is over by then."""
    azcred.environment(name)
    azcred.clock.advance(minutes=minutes)
    sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    azcred.clock.advance(minutes=20)
    sdk.credential("AzureCliCredential").get_token(SCOPE)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700024"):
        sdk.credential("AzureCliCredential").get_token("https://storage.azure.com/.default")
