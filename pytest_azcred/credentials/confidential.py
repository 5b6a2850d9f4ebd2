"""An application that proves to Entra ID who it is, and acts for itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .msal_application import MsalCredential

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

    from .request import TokenRequest


class ConfidentialCredential(MsalCredential):
    """Asks with the client credentials grant.

    :param proof: the secret or certificate, in the shape that msal documents for ``client_credential``.

    Other arguments are those of :class:`MsalCredential`.
    """

    def __init__(self, tenant_id: str, client_id: str, proof: str | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(tenant_id, client_id, **kwargs)
        self._proof = proof

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        scopes = list(request.scopes)
        return self._acquire(
            request, lambda client: client.acquire_token_for_client(scopes, claims_challenge=request.claims)
        )[0]

    def _new_application(self, msal: Any, **settings: Any) -> Any:
        from .msal_adapter import no_token_cache

        region = os.environ.get("AZURE_REGIONAL_AUTHORITY_NAME")
        if region and region.lower() in ("tryautodetect", "true"):
            region = msal.ConfidentialClientApplication.ATTEMPT_REGION_DISCOVERY
        defaults = {"azure_region": region, "token_cache": no_token_cache()}
        return msal.ConfidentialClientApplication(
            self._client_id, client_credential=self._proof, **{**defaults, **settings}
        )

    def _secrets(self) -> tuple[str, ...]:
        return (self._proof,) if isinstance(self._proof, str) else ()
