"""What is asked of a credential, checked once and then handed around as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SCOPE = re.compile(r"[A-Za-z0-9_\-.:/]+")
_TENANT = re.compile(r"[A-Za-z0-9\-.]+")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One call of ``get_token`` or ``get_token_info``, without the method's name."""

    scopes: tuple[str, ...]
    claims: str | None = None
    tenant_id: str | None = None
    enable_cae: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """What is not the scopes, as ``get_token_info`` takes it."""
        options = {"claims": self.claims, "tenant_id": self.tenant_id, "enable_cae": self.enable_cae}
        return {name: value for name, value in options.items() if value}

    @property
    def resource(self) -> str:
        """What a managed identity host or a tool is asked for: the only scope, without ``/.default``.

        :raises ValueError: if there are several scopes.
        """
        if len(self.scopes) != 1:
            raise ValueError(f"This credential takes exactly one scope per request, not {len(self.scopes)}.")
        return self.scopes[0].removesuffix("/.default")


def token_request(method: str, scopes: tuple[str, ...], options: Mapping[str, Any] | None) -> TokenRequest:
    """Check the arguments of a credential's method.

    :param method: the method called, for the message when it was called without scopes.
    :param options: ``claims``, ``tenant_id`` and ``enable_cae``; other keys are ignored.
    :raises ValueError: if there is no scope, or a scope or the tenant has a character that it cannot have. The
        characters are those that azure-identity 1.27 allows.
    """
    options = options or {}
    if not scopes:
        raise ValueError(f'"{method}" requires at least one scope')
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"{scope!r} is not a scope: only letters, digits and any of _ - . : / are allowed.")
    tenant_id = options.get("tenant_id") or None
    if tenant_id:
        validate_tenant(tenant_id)
    return TokenRequest(scopes, options.get("claims") or None, tenant_id, bool(options.get("enable_cae")))


def validate_tenant(tenant_id: str) -> None:
    """Refuse what cannot be a tenant's id or domain name.

    :raises ValueError: if it is empty or has another character than letters, digits, ``-`` and ``.``.
    """
    if not _TENANT.fullmatch(tenant_id):
        raise ValueError(f"{tenant_id!r} is not a tenant: give its id (a GUID) or one of its domain names.")
