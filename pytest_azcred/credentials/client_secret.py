"""An application with a secret."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ClientAuthenticationError

from .entra import EntraCredential
from .errors import authentication_failed
from .request import TokenRequest
from .token_response import refusal, token_of

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo


class ClientSecretCredential(EntraCredential):
    """Authenticates an application with one of its client secrets, by way of msal.

    :param tenant_id: the application's tenant.
    :param client_id: the application's id.
    :param client_secret: one of its secrets.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :raises ValueError: an argument is empty, the tenant is malformed, or the authority is not https.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        client_secret: str,
        *,
        disable_instance_discovery: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(tenant_id, client_id, **kwargs)
        if not client_secret:
            raise ValueError("client_secret is empty: give one of the application's secrets.")
        self._client_secret = client_secret
        self._instance_discovery = None if disable_instance_discovery is None else not disable_instance_discovery
        self._applications: dict[tuple[str | None, bool], Any] = {}
        self._applications_lock = threading.Lock()

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        now = int(time.time())
        try:
            application = self._application(request.tenant_id, request.enable_cae)
            result = application.acquire_token_for_client(list(request.scopes), claims_challenge=request.claims)
        except ClientAuthenticationError:
            raise
        except Exception as error:  # msal documents no error of its own, and passes on those of its HTTP client
            raise authentication_failed(error, self._client_secret) from error
        token = token_of(result, now)
        if token is None:
            reason = refusal(result) or f"{self._authority} answered without a token or a reason."
            raise authentication_failed(reason, self._client_secret)
        return token

    def _application(self, tenant_id: str | None, enable_cae: bool) -> Any:
        """The msal application for a tenant; creating it fetches the tenant's OpenID configuration."""
        key = (tenant_id, enable_cae)
        if key not in self._applications:
            with self._applications_lock:
                if key not in self._applications:
                    self._applications[key] = self._new_application(tenant_id, enable_cae)
        return self._applications[key]

    def _new_application(self, tenant_id: str | None, enable_cae: bool) -> Any:
        import msal

        from .msal_adapter import MsalHttpClient, NoTokenCache

        http_client = MsalHttpClient(self._pipeline)
        authority = f"{self._authority}/{tenant_id}"
        try:
            return msal.ConfidentialClientApplication(
                self._client_id,
                client_credential=self._client_secret,
                authority=authority,
                client_capabilities=["CP1"] if enable_cae else None,
                http_client=http_client,
                instance_discovery=self._instance_discovery,
                token_cache=NoTokenCache(),
            )
        except (ValueError, KeyError) as error:
            if "invalid_instance" in str(error):
                reason = (
                    f"Entra ID does not know the authority {self._authority}. "
                    "If you trust it, pass disable_instance_discovery=True."
                )
            else:
                reason = http_client.last_refusal or (
                    f"{authority} has no OpenID configuration. Check the tenant and the authority host."
                )
            raise authentication_failed(reason, self._client_secret) from error
