"""Tenants: how they can be written, and which one a token comes from."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_TENANT = re.compile(r"[A-Za-z0-9\-.]+")


def resolve_tenant(
    configured: str,
    requested: str | None,
    additionally_allowed: Collection[str],
    environ: Mapping[str, str],
) -> str:
    """The tenant to ask for a token, by the rules of azure-identity 1.27.

    :param configured: the credential's own tenant; empty if it leaves that open, as a developer's tool does.
    :param requested: the tenant named in the call, if any.
    :param additionally_allowed: the tenants that may be requested besides; ``*`` allows all.
    :param environ: ``AZURE_IDENTITY_DISABLE_MULTITENANTAUTH`` in it makes the credential ignore requested tenants.
    :raises ~azure.core.exceptions.ClientAuthenticationError: if the requested tenant is not allowed.
    """
    if requested is None or requested == configured or configured == "adfs":
        return configured
    if environ.get("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"):
        return configured
    if not configured or requested in additionally_allowed or "*" in additionally_allowed:
        return requested
    if configured == "organizations" and not additionally_allowed:  # it stands for every tenant of the user
        return requested
    from azure.core.exceptions import ClientAuthenticationError

    raise ClientAuthenticationError(
        message=f"This credential is for tenant {configured} and may not ask tenant {requested}. "
        f"Add {requested!r} (or '*') to its additionally_allowed_tenants to allow it."
    )


def validate_tenant(tenant_id: str) -> None:
    """Refuse what cannot be a tenant's id or domain name.

    :raises ValueError: if it is empty or has another character than letters, digits, ``-`` and ``.``.
    """
    if not _TENANT.fullmatch(tenant_id):
        raise ValueError(f"{tenant_id!r} is not a tenant: give its id (a GUID) or one of its domain names.")
