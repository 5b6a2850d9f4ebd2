"""What the credentials that ask Entra ID have in common: an application, an authority and a tenant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .authority_hosts import authority_url
from .credential import NetworkCredential
from .http import build_pipeline
from .request import TokenRequest
from .tenants import resolve_tenant, validate_tenant


class EntraCredential(NetworkCredential):
    """An application that authenticates itself to Entra ID."""

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        authority: str | None = None,
        additionally_allowed_tenants: Iterable[str] = (),
        **http: Any,
    ) -> None:
        if not client_id:
            raise ValueError("client_id is empty: give the id of an application in Entra ID.")
        validate_tenant(tenant_id)
        super().__init__(build_pipeline(**http))
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._authority = authority_url(authority, os.environ)
        self._additionally_allowed_tenants = frozenset(additionally_allowed_tenants or ())

    def _settled(self, request: TokenRequest) -> TokenRequest:
        tenant_id = resolve_tenant(self._tenant_id, request.tenant_id, self._additionally_allowed_tenants, os.environ)
        return replace(request, tenant_id=tenant_id)
