"""An application with a secret."""

from __future__ import annotations

from typing import Any

from .confidential import ConfidentialCredential


class ClientSecretCredential(ConfidentialCredential):
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

    def __init__(self, tenant_id: str, client_id: str, client_secret: str, **kwargs: Any) -> None:
        if not client_secret:
            raise ValueError("client_secret is empty: give one of the application's secrets.")
        super().__init__(tenant_id, client_id, client_secret, **kwargs)
