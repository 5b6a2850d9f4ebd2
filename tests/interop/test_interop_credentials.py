"""The credentials of azure-identity that apps use by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from support.published import verified
from support.sdk import Sdk, for_release

from azcred_emulators.directory import Application, ManagedIdentity, contoso, identifiers
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id


def who(token: Any) -> str:
    """Return the client id in a token that a service would accept."""
    client_id: str = verified(token.token, resource=VAULT, tenant=TENANT)["appid"]
    return client_id


@pytest.fixture
def machine(azcred: Azcred) -> Place:
    """A virtual machine with two user-assigned identities, "first" and "second", and no system-assigned one."""
    here = azcred.environment("virtual-machine")
    azcred.directory.unassign("imds", *azcred.directory.assigned("imds"))
    for name in ("first", "second"):
        resource_id = f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        identity = ManagedIdentity(name=name, tenant_id=TENANT, resource_id=resource_id)
        azcred.directory.assign("imds", azcred.directory.add(identity))
    return here


SELECTORS: dict[str, Callable[[ManagedIdentity], dict[str, object]]] = {
    "client id": lambda identity: {"client_id": identity.client_id},
    "object id": lambda identity: {"identity_config": {"object_id": identity.object_id}},
    "resource id": lambda identity: {"identity_config": {"resource_id": identity.resource_id}},
}


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_user_assigned_identity(azcred: Azcred, machine: Place, sdk: Sdk, selector: str) -> None:
    """It is found by each of its ids, and the other one's token is never handed out."""
    second = azcred.directory.assigned("imds")[1]
    credential = sdk.credential("ManagedIdentityCredential", **SELECTORS[selector](second))
    assert who(credential.get_token(SCOPE)) == second.client_id
    assert [(entry.operation, entry.identity) for entry in machine.requests()] == [("token", "second")]


# Whether a release passes a key of `identity_config` that it does not know on to IMDS, from that release on.
PASSES_ON = {"sync": [((1, 15), True), ((1, 19), False)], "aio": [((1, 15), True)]}


def test_imds_s_own_name_for_a_resource_id(azcred: Azcred, machine: Place, sdk: Sdk) -> None:
    """Where it is not passed on, IMDS gets no name and cannot choose."""
    second = azcred.directory.assigned("imds")[1]
    credential = sdk.credential("ManagedIdentityCredential", identity_config={"msi_res_id": second.resource_id})
    if for_release(PASSES_ON[sdk.half]):
        assert who(credential.get_token(SCOPE)) == second.client_id
    else:
        with pytest.raises(CredentialUnavailableError):
            credential.get_token(SCOPE)
        assert "Multiple user assigned identities exist" in str(machine.requests()[-1].error)


def test_an_identity_that_the_machine_does_not_have(machine: Place, sdk: Sdk) -> None:
    """It is unavailable, as a wrong client id is on Azure."""
    with pytest.raises(CredentialUnavailableError):
        sdk.credential("ManagedIdentityCredential", client_id=identifiers.WORKLOAD_CLIENT_ID).get_token(SCOPE)
    assert {entry.error for entry in machine.requests()} == {"Identity not found"}


def test_none_of_several_identities_is_named(machine: Place, sdk: Sdk) -> None:
    """IMDS does not guess."""
    with pytest.raises(CredentialUnavailableError):
        sdk.credential("ManagedIdentityCredential").get_token(SCOPE)
    assert "Multiple user assigned identities exist" in str(machine.requests()[-1].error)


def test_the_system_assigned_identity(fake_managed_identity: Place, sdk: Sdk) -> None:
    """Asked for by name there is no probe: IMDS gets one request."""
    assert who(sdk.credential("ManagedIdentityCredential").get_token(SCOPE)) == fake_managed_identity.identity.client_id
    assert [entry.operation for entry in fake_managed_identity.requests()] == ["token"]


def test_a_client_secret(fake_service_principal: Place, sdk: Sdk) -> None:
    """The secret of the directory's application."""
    credential = sdk.credential(
        "ClientSecretCredential", TENANT, fake_service_principal.identity.client_id, os.environ["AZURE_CLIENT_SECRET"]
    )
    assert who(credential.get_token(SCOPE)) == fake_service_principal.identity.client_id
    assert [entry.grant for entry in fake_service_principal.requests()] == ["client_credentials"]


def test_the_tenant_by_its_domain(fake_service_principal: Place, sdk: Sdk) -> None:
    """Any of its verified names does."""
    credential = sdk.credential(
        "ClientSecretCredential",
        "contoso.onmicrosoft.com",
        fake_service_principal.identity.client_id,
        os.environ["AZURE_CLIENT_SECRET"],
    )
    assert who(credential.get_token(SCOPE)) == fake_service_principal.identity.client_id


@pytest.fixture
def certificate(azcred: Azcred) -> bytes:
    """The file of a certificate that the service principal is registered with, key included."""
    key = SigningKey("service-principal")
    application = azcred.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(application, Application)
    azcred.directory.replace(application, certificates=(key.certificate,), secrets=())
    return key.pem()


@pytest.mark.parametrize("send_chain", [False, True])
def test_a_certificate(azcred: Azcred, sdk: Sdk, certificate: bytes, send_chain: bool) -> None:
    """Each half signs its assertion in its own way; both are verified with the registered certificate."""
    credential = sdk.credential(
        "CertificateCredential",
        TENANT,
        identifiers.SERVICE_PRINCIPAL_CLIENT_ID,
        certificate_data=certificate,
        send_certificate_chain=send_chain,
    )
    claims = verified(credential.get_token(SCOPE).token, resource=VAULT, tenant=TENANT)
    assert (claims["appid"], claims["appidacr"]) == (identifiers.SERVICE_PRINCIPAL_CLIENT_ID, "2")
    azcred.journal.assert_tokens(provider="environment", identity="service-principal", times=1)


def test_a_certificate_in_the_variables(
    azcred: Azcred, sdk: Sdk, certificate: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EnvironmentCredential reads it from a file."""
    file = tmp_path / "service-principal.pem"
    file.write_bytes(certificate)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(file))
    token = sdk.credential("EnvironmentCredential").get_token(SCOPE)
    assert who(token) == identifiers.SERVICE_PRINCIPAL_CLIENT_ID
    azcred.journal.assert_tokens(times=1)


def test_a_certificate_that_is_not_registered(azcred: Azcred, sdk: Sdk) -> None:
    """The token service tells it from one with a bad signature."""
    credential = sdk.credential(
        "CertificateCredential",
        TENANT,
        identifiers.SERVICE_PRINCIPAL_CLIENT_ID,
        certificate_data=SigningKey("a stranger").pem(),
    )
    with pytest.raises(ClientAuthenticationError, match=r"AADSTS700027: .* is not registered"):
        credential.get_token(SCOPE)
    assert azcred.journal.requests(operation="token")[-1].status == 401


def test_workload_identity(fake_workload_identity: Place, sdk: Sdk) -> None:
    """With the webhook's variables it needs no argument, and one request."""
    token = sdk.credential("WorkloadIdentityCredential").get_token(SCOPE)
    assert who(token) == fake_workload_identity.identity.client_id
    assert [entry.provider for entry in fake_workload_identity.requests()] == ["workload-identity"]


def test_workload_identity_with_arguments(
    azcred: Azcred, fake_workload_identity: Place, sdk: Sdk, tmp_path: Path
) -> None:
    """They go before the variables: the token file is another service account's."""
    file = tmp_path / "token"
    file.write_text(azcred.issuers.get(identifiers.CLUSTER_ISSUER).assertion("system:serviceaccount:default:stranger"))
    credential = sdk.credential(
        "WorkloadIdentityCredential",
        tenant_id=TENANT,
        client_id=identifiers.WORKLOAD_CLIENT_ID,
        token_file_path=str(file),
    )
    with pytest.raises(ClientAuthenticationError, match=r"AADSTS700213: .*system:serviceaccount:default:stranger"):
        credential.get_token(SCOPE)


def test_an_assertion_of_the_apps_own(azcred: Azcred, sdk: Sdk) -> None:
    """The app fetches it itself, here from the cluster that the identity trusts."""
    cluster = azcred.issuers.get(identifiers.CLUSTER_ISSUER)
    credential = sdk.credential(
        "ClientAssertionCredential",
        TENANT,
        identifiers.WORKLOAD_CLIENT_ID,
        lambda: cluster.assertion(identifiers.SERVICE_ACCOUNT),
    )
    assert who(credential.get_token(SCOPE)) == identifiers.WORKLOAD_CLIENT_ID
    azcred.journal.assert_tokens(identity="workload-identity", times=1)


def test_another_clouds_authority(azcred: Azcred, fake_service_principal: Place, sdk: Sdk) -> None:
    """The token service answers under the names of every cloud."""
    credential = sdk.credential(
        "ClientSecretCredential",
        TENANT,
        fake_service_principal.identity.client_id,
        os.environ["AZURE_CLIENT_SECRET"],
        authority="login.microsoftonline.us",
    )
    credential.get_token(SCOPE)
    assert {entry.server_name for entry in azcred.journal.requests()} == {"login.microsoftonline.us"}


HAS_GET_TOKEN_INFO = [((1, 15), False), ((1, 19), True)]


def test_get_token_info(fake_managed_identity: Place, sdk: Sdk) -> None:
    """The newer of the two methods says when to refresh: halfway through a long life."""
    credential = sdk.credential("ManagedIdentityCredential")
    assert hasattr(credential.wrapped, "get_token_info") == for_release(HAS_GET_TOKEN_INFO)
    if for_release(HAS_GET_TOKEN_INFO):
        info = credential.get_token_info(SCOPE)
        assert (who(info), info.token_type) == (fake_managed_identity.identity.client_id, "Bearer")
        assert abs(info.expires_on - info.refresh_on - 43200) <= 5
