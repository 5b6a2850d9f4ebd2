"""Pods and pipelines: whose tokens are exchanged for one of Entra ID."""

from __future__ import annotations

import os

import pytest
from azure.core.exceptions import ClientAuthenticationError
from interop.published import verified
from interop.sdk import IDENTITY, Sdk

from azcred_emulators import contoso
from pytest_azcred.session import Session

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id
PROXY = pytest.mark.skipif(IDENTITY < (1, 26), reason="azure-identity knows the token proxy of AKS from 1.26 on")


@PROXY
def test_an_identity_binding(azcred: Session, sdk: Sdk) -> None:
    """The pod's token goes to the cluster's proxy, under the name of its certificate, and never to Entra ID."""
    place = azcred.environment("kubernetes-identity-binding")
    token = sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True).get_token(SCOPE).token
    assert verified(token, resource=VAULT, tenant=TENANT)["appid"] == place.identity.client_id
    azcred.journal.assert_answered(times=1)
    [request] = place.requests
    assert (request.emulator, request.provider) == ("identity-binding", "workload-identity")
    assert request.path == f"/{TENANT}/oauth2/v2.0/token"
    assert place.statuses == [200]


@PROXY
def test_the_certificate_may_be_in_a_file(
    azcred: Session, sdk: Sdk, tmp_path: object, monkeypatch: pytest.MonkeyPatch
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
def test_a_pod_that_may_not(azcred: Session, sdk: Sdk, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The identity must be bound to the cluster, the service account allowed, and the token for the proxy."""
    place = azcred.environment("kubernetes-identity-binding")
    if case == "not bound":
        azcred.directory.unassign("identity-binding", *azcred.directory.assigned("identity-binding"))
    elif case == "not allowed":
        with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"], "w") as file:
            cluster = azcred.issuers.get(contoso.CLUSTER_ISSUER)
            file.write(cluster.assertion("system:serviceaccount:default:other", audience="api://AKSIdentityBinding"))
    else:
        with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"], "w") as file:
            file.write(azcred.issuers.get(contoso.CLUSTER_ISSUER).assertion(contoso.SERVICE_ACCOUNT))
    with pytest.raises(ClientAuthenticationError):
        sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True).get_token(SCOPE)
    assert place.statuses == [401 if case == "of an ordinary pod" else 403]


def test_without_the_proxy_entra_id_refuses_the_pod(azcred: Session, sdk: Sdk) -> None:
    """DefaultAzureCredential does not use the proxy, and the token's audience is not Entra ID's."""
    azcred.environment("kubernetes-identity-binding")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700211"):
        sdk.credential("DefaultAzureCredential").get_token(SCOPE)


def test_the_projected_token_rotates(azcred: Session, sdk: Sdk) -> None:
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
    azcred.journal.assert_answered(provider="workload-identity", times=2)
