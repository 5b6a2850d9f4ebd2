"""azure-identity's AzurePipelinesCredential, unmodified: a pipeline's token is exchanged for the application's."""

import asyncio
import inspect
import os

import azure.identity
import azure.identity.aio
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from pytest_httpserver import HTTPServer
from support.entra import VAULT, claims_of

from azcred_emulators.directory import Application, FederatedCredential, contoso
from pytest_azcred.azcred import Azcred

ISSUER = "https://vstoken.dev.azure.com/99999999-9999-4999-8999-999999999999"
SUBJECT = "sc://contoso/shop/production"


@pytest.fixture
def pipeline(azcred: Azcred, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application that trusts the pipeline's service connection, and the pipeline's own token endpoint."""
    shop = azcred.directory.add(
        Application(
            name="shop",
            tenant_id=contoso.TENANT.id,
            federated_credentials=(FederatedCredential(ISSUER, SUBJECT),),
        )
    )
    httpserver.expect_request(
        "/oidctoken",
        method="POST",
        query_string={"api-version": "7.1", "serviceConnectionId": "connection"},
        headers={"Authorization": "Bearer system-token"},
    ).respond_with_json({"oidcToken": azcred.issuers.get(ISSUER).assertion(SUBJECT)})
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", httpserver.url_for("/oidctoken"))
    return shop


def get_token(kind: type, client_id: str) -> AccessToken:
    """Get a token with the sync or the aio credential."""
    arguments = {
        "tenant_id": contoso.TENANT.id,
        "client_id": client_id,
        "service_connection_id": "connection",
        "system_access_token": "system-token",
    }
    if not inspect.iscoroutinefunction(kind.get_token):  # type: ignore[attr-defined]  # both have it
        with kind(**arguments) as credential:
            token: AccessToken = credential.get_token(f"{VAULT}/.default")
            return token

    async def ask() -> AccessToken:
        async with kind(**arguments) as credential:
            token: AccessToken = await credential.get_token(f"{VAULT}/.default")
            return token

    return asyncio.run(ask())


KINDS = [azure.identity.AzurePipelinesCredential, azure.identity.aio.AzurePipelinesCredential]


@pytest.mark.parametrize("kind", KINDS, ids=["sync", "aio"])
def test_a_pipeline_gets_its_applications_token(kind: type, pipeline: Application, azcred: Azcred) -> None:
    """One request to the pipeline's endpoint, one to Entra ID, which checks the pipeline's token."""
    assert claims_of(get_token(kind, pipeline.client_id).token)["appid"] == pipeline.client_id
    [entry] = azcred.journal.requests(operation="token")
    assert (entry.provider, entry.identity, entry.status) == ("workload-identity", "shop", 200)


@pytest.mark.parametrize("kind", KINDS, ids=["sync", "aio"])
def test_another_service_connection_is_refused(kind: type, pipeline: Application, azcred: Azcred) -> None:
    """Subject and federated credential must agree."""
    other = FederatedCredential(ISSUER, "sc://contoso/shop/staging")
    azcred.directory.replace(pipeline, federated_credentials=(other,))
    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        get_token(kind, pipeline.client_id)
    assert [entry.status for entry in azcred.journal.requests(operation="token")] == [401]
    assert "system-token" not in os.environ.values()
