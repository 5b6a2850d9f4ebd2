"""A pipeline of Azure DevOps that acts as its service connection's application."""

from __future__ import annotations

import os
from typing import Any

from azure.core.rest import HttpRequest

from .client_assertion import ClientAssertionCredential
from .errors import CredentialUnavailableError, authentication_failed
from .http import send
from .request import TokenRequest
from .token_cache import TokenResult

_VARIABLE = "SYSTEM_OIDCREQUESTURI"


class AzurePipelinesCredential(ClientAssertionCredential):
    """Exchanges a token of Azure Pipelines for one of the application that a service connection stands for.

    The pipeline sets ``SYSTEM_OIDCREQUESTURI``, from where its own token comes; elsewhere the credential is
    unavailable.

    :keyword tenant_id: the application's tenant.
    :keyword client_id: the application's id.
    :keyword service_connection_id: the id of the service connection.
    :keyword system_access_token: the pipeline's ``System.AccessToken``.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :raises ValueError: an argument is empty, the tenant is malformed, or the authority is not https.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(
        self, *, tenant_id: str, client_id: str, service_connection_id: str, system_access_token: str, **kwargs: Any
    ) -> None:
        arguments = {
            "tenant_id": tenant_id,
            "client_id": client_id,
            "service_connection_id": service_connection_id,
            "system_access_token": system_access_token,
        }
        empty = [name for name, value in arguments.items() if not value]
        if empty:
            raise ValueError(f"{', '.join(empty)} is empty: see the service connection, and map System.AccessToken.")
        super().__init__(tenant_id, client_id, self._pipelines_own_token, **kwargs)
        self._service_connection_id = service_connection_id
        self._system_access_token = system_access_token

    def _token(self, request: TokenRequest) -> TokenResult:
        if _VARIABLE not in os.environ:
            raise CredentialUnavailableError(
                message=f"AzurePipelinesCredential is unavailable: {_VARIABLE} is not set. Azure Pipelines sets it in "
                "tasks with a service connection by workload identity federation."
            )
        return super()._token(request)

    def _pipelines_own_token(self) -> str:
        base = os.environ[_VARIABLE].rstrip("/")
        request = HttpRequest(
            "POST",
            f"{base}?api-version=7.1&serviceConnectionId={self._service_connection_id}",
            headers={
                "Authorization": f"Bearer {self._system_access_token}",
                "Content-Type": "application/json",
                "X-TFS-FedAuthRedirect": "Suppress",  # a refusal, not a page to sign in
            },
        )
        answer = send(self._pipeline, request, retry_on_methods=["POST"])
        token = answer.payload.get("oidcToken") if answer.status == 200 and isinstance(answer.payload, dict) else None
        if not token:
            raise authentication_failed(
                f"Azure Pipelines answered {answer.status} without a token. Is the service connection's id right, and "
                "may this pipeline use it?"
            )
        return str(token)
