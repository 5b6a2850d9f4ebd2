"""What is asked of a credential, checked once and then handed around as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .tenants import validate_tenant
from .trace import Caller, current_caller

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

Key = tuple[tuple[str, ...], str | None, bool]
"""What tells tokens apart: scopes, tenant and CAE setting. The claims make no difference."""

_SCOPE = re.compile(r"[A-Za-z0-9_\-.:/]+")


@dataclass(frozen=True, slots=True)
class Call:
    """The app's call of a credential's method, with its arguments besides the scopes as they were given."""

    method: Literal["get_token", "get_token_info"] = "get_token_info"
    options: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One call of ``get_token`` or ``get_token_info``. Two are equal if they ask for the same token.

    :param asked_by: who asks.
    :param call: the app's call, for credentials that are not ours.
    """

    scopes: tuple[str, ...]
    claims: str | None = None
    tenant_id: str | None = None
    enable_cae: bool = False
    asked_by: Caller = field(default=Caller.APP, compare=False)
    call: Call = field(default=Call(), compare=False, repr=False)

    @property
    def key(self) -> Key:
        """What tells the token from others."""
        return self.scopes, self.tenant_id, self.enable_cae

    @property
    def resource(self) -> str:
        """What a managed identity host or a tool is asked for: the only scope, without ``/.default``.

        :raises ValueError: if there are several scopes.
        """
        if len(self.scopes) != 1:
            raise ValueError(f"This credential takes exactly one scope per request, not {len(self.scopes)}.")
        return self.scopes[0].removesuffix("/.default")

    def repeat_call(self, credential: Any) -> Any:
        """Call the method that the app called, or the other one if the credential has only that.

        :return: a token of either kind, or from an asynchronous credential what gives one when awaited.
        :raises CredentialUnavailableError: a proof of possession is asked for, and the credential can give none.
        """
        call = self.call
        values = {name: value for name, value in call.options.items() if value is not None}
        if call.method == "get_token" and hasattr(credential, "get_token"):
            return credential.get_token(*self.scopes, **call.options, **call.keywords)
        if hasattr(credential, "get_token_info"):
            return credential.get_token_info(*self.scopes, options=values)
        if values.get("pop"):
            from .errors import CredentialUnavailableError

            raise CredentialUnavailableError(message="It cannot give a proof-of-possession token.")
        return credential.get_token(*self.scopes, **values)


def token_request(
    method: str, scopes: tuple[str, ...], options: Mapping[str, Any], keywords: Mapping[str, Any] | None = None
) -> TokenRequest:
    """Check the arguments of a credential's method.

    :param method: the method called, for the message when it was called without scopes.
    :param options: ``claims``, ``tenant_id`` and ``enable_cae``; other keys are for credentials that are not ours.
    :param keywords: what else ``get_token`` was given, for the same.
    :raises ValueError: if there is no scope, or a scope or the tenant has a character that it cannot have. The
        characters are those that azure-identity 1.27 allows.
    """
    if not scopes:
        raise ValueError(f'"{method}" requires at least one scope')
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"{scope!r} is not a scope: only letters, digits and any of _ - . : / are allowed.")
    tenant_id = options.get("tenant_id") or None
    if tenant_id:
        validate_tenant(tenant_id)
    return TokenRequest(
        scopes,
        options.get("claims") or None,
        tenant_id,
        bool(options.get("enable_cae")),
        current_caller(),
        Call("get_token" if method == "get_token" else "get_token_info", options, keywords or {}),
    )


def is_overridden(credential: Any, base: type[Any]) -> bool:
    """Whether a subclass, or a test's double, has put something else in the place of a method that apps call."""
    token, info = credential.get_token, credential.get_token_info
    return (
        getattr(token, "__func__", None) is not base.get_token
        or getattr(info, "__func__", None) is not base.get_token_info
    )


def token_info(token: Any) -> AccessTokenInfo:
    """A token of either kind, with its type and the time to renew it if it has those."""
    from azure.core.credentials import AccessTokenInfo

    return token if isinstance(token, AccessTokenInfo) else AccessTokenInfo(token.token, token.expires_on)
