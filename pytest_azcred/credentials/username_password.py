"""A user's name and password."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from .user import UserCredential

if TYPE_CHECKING:
    from .request import TokenRequest


class UsernamePasswordCredential(UserCredential):
    """Signs a user in by password. Deprecated: Entra ID refuses it wherever a second factor is required.

    :param client_id: the application that the user signs in to.
    :param username: the user's principal name.
    :param password: the user's password.
    :keyword tenant_id: the tenant to sign in to; by default the user's own.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :raises ValueError: the client's id is empty, the tenant is malformed, or the authority is not https.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(self, client_id: str, username: str, password: str, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self).__name__} is deprecated: Entra ID refuses passwords alone wherever a second factor is "
            "required. See https://aka.ms/azsdk/identity/mfa.",
            DeprecationWarning,
            stacklevel=2,
        )
        kwargs.pop("authentication_record", None)  # as in azure-identity 1.27: the password says who it is
        super().__init__(client_id, **kwargs)
        self._username = username
        self._password = password

    def _sign_in(self, client: Any, request: TokenRequest) -> Any:
        return client.acquire_token_by_username_password(
            self._username, self._password, list(request.scopes), claims_challenge=request.claims
        )

    def _secrets(self) -> tuple[str, ...]:
        return (self._password,)
