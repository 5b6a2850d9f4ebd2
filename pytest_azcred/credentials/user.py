"""A user who signs in."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .authentication_record import AuthenticationRecord, record_of
from .authority_hosts import AzureAuthorityHosts
from .errors import CredentialUnavailableError, authentication_failed
from .msal_application import MsalCredential
from .request import TokenRequest, token_request

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

DEVELOPER_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The Azure CLI's application, which azure-identity's users sign in to unless they name another."""

_MANAGEMENT_SCOPES = {
    AzureAuthorityHosts.AZURE_PUBLIC_CLOUD: "https://management.core.windows.net//.default",
    AzureAuthorityHosts.AZURE_GOVERNMENT: "https://management.core.usgovcloudapi.net//.default",
    AzureAuthorityHosts.AZURE_CHINA: "https://management.core.chinacloudapi.cn//.default",
}
"""What ``authenticate`` asks for unless it is told, by authority (azure-identity 1.27)."""


class AuthenticationRequiredError(CredentialUnavailableError):
    """A user has to sign in, and the credential may not begin that by itself.

    :param scopes: what the token was to be for.
    :param message: why there is none.
    :param claims: the claims that a service asked for; ``authenticate`` takes both.
    """

    def __init__(
        self, scopes: Iterable[str], message: str | None = None, claims: str | None = None, **kwargs: Any
    ) -> None:
        self.scopes = scopes
        self.claims = claims
        super().__init__(message=message or "A user has to sign in: call authenticate().", **kwargs)


class UserCredential(MsalCredential):
    """Signs a user in to a public client when it has to, and renews tokens silently as long as it can.

    :param client_id: the application that users sign in to.
    :keyword tenant_id: the tenant they sign in to; by default any of theirs.
    :keyword authentication_record: an account that signed in before, which ``authenticate`` returned; its application,
        authority and tenant go before the arguments.
    :keyword disable_automatic_authentication: let a user sign in only when ``authenticate`` is called.

    Other keywords are those of :class:`MsalCredential`.
    """

    def __init__(
        self,
        client_id: str,
        *,
        tenant_id: str | None = None,
        authentication_record: AuthenticationRecord | None = None,
        disable_automatic_authentication: bool = False,
        **kwargs: Any,
    ) -> None:
        if authentication_record:
            client_id = authentication_record.client_id
            tenant_id = tenant_id or authentication_record.tenant_id
            kwargs["authority"] = authentication_record.authority
        super().__init__(tenant_id or "organizations", client_id, **kwargs)
        self._record = authentication_record
        self._may_begin = not disable_automatic_authentication
        self._signing_in = threading.Lock()

    def authenticate(
        self,
        *,
        scopes: Iterable[str] | None = None,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AuthenticationRecord:
        """Let a user sign in, unless a token can still be had without.

        :keyword scopes: what the token is for; by default Azure's management.
        :keyword claims: the claims that a service asked for when it refused a token.
        :keyword tenant_id: the tenant to ask, if it is not the credential's.
        :keyword enable_cae: ask for a token that continuous access evaluation can revoke.
        :return: the account; it holds no secret.
        :raises CredentialUnavailableError: the authority is not a known one, and there are no scopes.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the user did not sign in, or Entra ID refuses.
        """
        scopes_or_default = tuple(scopes or ()) or self._management_scope()
        options = {"claims": claims, "tenant_id": tenant_id, "enable_cae": enable_cae}
        request = self._settled(token_request("authenticate", scopes_or_default, options))
        self._cache.token(request, self._fetch_with_user)
        if self._record is None:
            raise authentication_failed("Entra ID did not say who signed in.")
        return self._record

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        is_at_hand = time.time() < self._cache.slot(request).expires_on and not request.claims
        if self._may_begin and not is_at_hand:  # no user is troubled to renew a token that is good
            return self._fetch_with_user(request)
        token, reason = self._without_user(request)
        if token is None:
            raise AuthenticationRequiredError(request.scopes, reason, request.claims)
        return token

    def _fetch_with_user(self, request: TokenRequest) -> AccessTokenInfo:
        token, _ = self._without_user(request)
        if token is None:
            with self._signing_in:  # a user signs in once, however many tokens are missing
                token, _ = self._without_user(request)
                if token is None:
                    token, result = self._acquire(request, lambda client: self._sign_in(client, request))
                    self._record = record_of(result)
        return token

    def _without_user(self, request: TokenRequest) -> tuple[AccessTokenInfo | None, str | None]:
        if self._record is None:
            return None, None
        token, refused = self._silently(request, self._record)
        return token, refused and f"A user has to sign in: call authenticate(). Entra ID said: {refused}"

    @abstractmethod
    def _sign_in(self, client: Any, request: TokenRequest) -> Any:
        """Let the user sign in; return msal's result."""

    def _management_scope(self) -> tuple[str, ...]:
        scope = _MANAGEMENT_SCOPES.get(self._authority.removeprefix("https://"))
        if scope is None:
            raise CredentialUnavailableError(
                message=f"What {self._authority} is asked for by default is not known: give authenticate() scopes."
            )
        return (scope,)

    def _new_application(self, msal: Any, **settings: Any) -> Any:
        return msal.PublicClientApplication(self._client_id, token_cache=msal.TokenCache(), **settings)
