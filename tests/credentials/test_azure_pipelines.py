"""A pipeline of Azure DevOps: azure-identity's credential and ours."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.implementations import Implementation, kind_of
from pytest_httpserver import HTTPServer
from support.entra import VAULT, Entra, claims_of
from werkzeug import Request, Response

from azcred_emulators.directory import Application, FederatedCredential, contoso
from pytest_azcred.azcred import Azcred

SCOPE = f"{VAULT}/.default"
ISSUER = "https://vstoken.dev.azure.com/99999999-9999-4999-8999-999999999999"
SUBJECT = "sc://contoso/shop/production"
CONNECTION = {"service_connection_id": "connection", "system_access_token": "system-token"}


@pytest.fixture
def shop(azcred: Azcred, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application that trusts the pipeline's service connection."""
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", httpserver.url_for("/oidctoken"))
    return azcred.directory.add(
        Application(
            name="shop",
            tenant_id=contoso.TENANT.id,
            federated_credentials=(FederatedCredential(ISSUER, SUBJECT),),
        )
    )


def test_the_pipelines_token_is_exchanged(
    azcred: Azcred, package: Implementation, shop: Application, httpserver: HTTPServer
) -> None:
    """One request to each of the two services, with the pipeline's own token in the first; the token is kept."""
    asked: list[tuple[str, str, dict[str, str]]] = []

    def answer(request: Request) -> Response:
        names = ("Authorization", "Content-Type", "X-TFS-FedAuthRedirect")
        asked.append((request.method, request.full_path, {name: request.headers[name] for name in names}))
        return Response(
            f'{{"oidcToken": "{azcred.issuers.get(ISSUER).assertion(SUBJECT)}"}}', content_type="application/json"
        )

    httpserver.expect_request("/oidctoken").respond_with_handler(answer)
    credential = package.AzurePipelinesCredential(tenant_id=contoso.TENANT.id, client_id=shop.client_id, **CONNECTION)
    assert claims_of(credential.get_token(SCOPE).token)["appid"] == shop.client_id
    credential.get_token_info(SCOPE)
    headers = {
        "Authorization": "Bearer system-token",
        "Content-Type": "application/json",
        "X-TFS-FedAuthRedirect": "Suppress",
    }
    assert asked == [("POST", "/oidctoken?api-version=7.1&serviceConnectionId=connection", headers)]
    azcred.journal.assert_tokens(identity="shop", times=1)


@pytest.mark.parametrize(("status", "body"), [(401, {"message": "no"}), (200, {"other": "x"}), (302, {})])
def test_a_pipeline_without_a_token(
    azcred: Azcred, package: Implementation, shop: Application, httpserver: HTTPServer, status: int, body: object
) -> None:
    """A failure, and Entra ID is not asked."""
    httpserver.expect_request("/oidctoken").respond_with_json(body, status=status)
    credential = package.AzurePipelinesCredential(tenant_id=contoso.TENANT.id, client_id=shop.client_id, **CONNECTION)
    with pytest.raises(ClientAuthenticationError) as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert "system-token" not in str(raised.value)
    assert azcred.journal.requests() == []


def test_outside_a_pipeline(azcred: Azcred, package: Implementation, entra: Entra) -> None:
    """Unavailable, and the variable is named."""
    credential = package.AzurePipelinesCredential(tenant_id=contoso.TENANT.id, client_id="client", **CONNECTION)
    with pytest.raises(ClientAuthenticationError, match="SYSTEM_OIDCREQUESTURI") as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"


@pytest.mark.parametrize("missing", ["tenant_id", "client_id", "service_connection_id", "system_access_token"])
def test_an_argument_that_is_missing(package: Implementation, missing: str) -> None:
    """The app learns it when it starts, by name."""
    arguments: dict[str, Any] = {"tenant_id": contoso.TENANT.id, "client_id": "client", **CONNECTION, missing: ""}
    with pytest.raises(ValueError, match=missing):
        package.AzurePipelinesCredential(**arguments)
