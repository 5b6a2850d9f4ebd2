"""msal on its own, as apps that need more than a credential use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msal
import pytest
import requests
from support.published import verified

from azcred_emulators.directory import Application, ManagedIdentity, contoso, identifiers
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

VAULT = "https://vault.azure.net"
SCOPES = [f"{VAULT}/.default"]
TENANT = contoso.TENANT.id
AUTHORITY = f"https://login.microsoftonline.com/{TENANT}"


@pytest.fixture
def connection() -> Iterator[requests.Session]:
    """What msal's client for managed identities sends its requests with."""
    with requests.Session() as session:
        yield session


@pytest.fixture
def application(azcred: Azcred) -> Application:
    """The directory's application with a secret."""
    found = azcred.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(found, Application)
    return found


def confidential_client(application: Application, credential: Any) -> Any:
    return msal.ConfidentialClientApplication(application.client_id, client_credential=credential, authority=AUTHORITY)


def test_a_secret(azcred: Azcred, application: Application) -> None:
    """The second call answers from msal's cache."""
    client = confidential_client(application, application.secrets[0].value)
    result = client.acquire_token_for_client(scopes=SCOPES)
    assert verified(result["access_token"], resource=VAULT, tenant=TENANT)["appid"] == application.client_id
    again = client.acquire_token_for_client(scopes=SCOPES)
    assert (result["token_source"], again["token_source"]) == ("identity_provider", "cache")
    azcred.journal.assert_tokens(times=1)


def test_a_wrong_secret(azcred: Azcred, application: Application) -> None:
    """msal returns the token service's answer."""
    result = confidential_client(application, "wrong").acquire_token_for_client(scopes=SCOPES)
    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000215])
    assert [entry.error for entry in azcred.journal.requests(operation="token")] == ["AADSTS7000215"]


def test_a_certificate(azcred: Azcred, application: Application) -> None:
    """By its thumbprint."""
    key = SigningKey("service-principal")
    azcred.directory.replace(application, certificates=(key.certificate,))
    pem = key.pem().decode()
    client = confidential_client(
        application, {"private_key": pem, "public_certificate": pem[pem.index("-----BEGIN C") :]}
    )
    result = client.acquire_token_for_client(scopes=SCOPES)
    assert verified(result["access_token"], resource=VAULT, tenant=TENANT)["appidacr"] == "2"
    azcred.journal.assert_tokens(times=1)


def test_a_federated_assertion(azcred: Azcred) -> None:
    """Of a cluster, for a managed identity."""
    cluster = azcred.issuers.get(identifiers.CLUSTER_ISSUER)
    client = msal.ConfidentialClientApplication(
        identifiers.WORKLOAD_CLIENT_ID,
        client_credential={"client_assertion": lambda: cluster.assertion(identifiers.SERVICE_ACCOUNT)},
        authority=AUTHORITY,
    )
    result = client.acquire_token_for_client(scopes=SCOPES)
    assert verified(result["access_token"], resource=VAULT, tenant=TENANT)["appid"] == identifiers.WORKLOAD_CLIENT_ID
    azcred.journal.assert_tokens(provider="workload-identity", times=1)


def test_the_system_assigned_identity(fake_managed_identity: Place, connection: requests.Session) -> None:
    """msal does not probe."""
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=connection)
    result = client.acquire_token_for_client(resource=VAULT)
    claims = verified(result["access_token"], resource=VAULT, tenant=TENANT)
    assert claims["appid"] == fake_managed_identity.identity.client_id
    assert fake_managed_identity.statuses == [200]


@pytest.mark.parametrize("selector", ["client_id", "object_id", "resource_id"])
def test_a_user_assigned_identity(
    azcred: Azcred, fake_managed_identity: Place, connection: requests.Session, selector: str
) -> None:
    """By each of its ids."""
    chosen = azcred.directory.add(
        ManagedIdentity(
            name="chosen",
            tenant_id=TENANT,
            resource_id=f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/chosen",
        )
    )
    azcred.directory.assign("imds", chosen)
    identity = msal.UserAssignedManagedIdentity(**{selector: getattr(chosen, selector)})
    result = msal.ManagedIdentityClient(identity, http_client=connection).acquire_token_for_client(resource=VAULT)
    assert verified(result["access_token"], resource=VAULT, tenant=TENANT)["appid"] == chosen.client_id
    assert [entry.identity for entry in fake_managed_identity.requests()] == ["chosen"]


def test_a_token_expires(azcred: Azcred, application: Application) -> None:
    """msal goes by the test's clock, too."""
    client = confidential_client(application, application.secrets[0].value)
    first = client.acquire_token_for_client(scopes=SCOPES)
    azcred.clock.advance(hours=25)
    second = client.acquire_token_for_client(scopes=SCOPES)
    assert second["token_source"] == "identity_provider"
    assert second["access_token"] != first["access_token"]
    azcred.journal.assert_tokens(times=2)
