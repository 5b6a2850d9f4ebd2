"""What the credentials that ask Entra ID by way of msal have in common."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ClientAuthenticationError

from .entra import EntraCredential
from .errors import authentication_failed
from .token_response import refusal, token_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import AccessTokenInfo

    from .authentication_record import AuthenticationRecord
    from .request import TokenRequest


class MsalCredential(EntraCredential):
    """Keeps one msal application for each tenant and CAE setting.

    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :keyword cache_persistence_options: must be None.
    :raises ValueError: tokens are to be kept on disk, which this library does not do.

    Other arguments are those of :class:`EntraCredential`.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        disable_instance_discovery: bool | None = None,
        cache_persistence_options: object = None,
        **kwargs: Any,
    ) -> None:
        if cache_persistence_options is not None:
            raise ValueError("Tokens are kept in memory only: leave cache_persistence_options out.")
        super().__init__(tenant_id, client_id, **kwargs)
        self._instance_discovery = None if disable_instance_discovery is None else not disable_instance_discovery
        self._applications: dict[tuple[str | None, bool], Any] = {}
        self._applications_lock = threading.Lock()

    @abstractmethod
    def _new_application(self, msal: Any, **settings: Any) -> Any:
        """Make an msal application; its settings besides the client's id and its proof are given."""

    def _secrets(self) -> tuple[str, ...]:
        """What must not be in an error's message."""
        return ()

    def _acquire(self, request: TokenRequest, ask: Callable[[Any], Any]) -> tuple[AccessTokenInfo, dict[str, Any]]:
        """The token that msal brings, and all that came with it.

        :param ask: calls a method of the msal application that it is given.
        :raises ~azure.core.exceptions.ClientAuthenticationError: there is no token.
        """
        token, result = self._asked(request, ask)
        if token is None:
            reason = refusal(result) or f"{self._authority} answered without a token or a reason."
            raise authentication_failed(reason, *self._secrets())
        return token, result

    def _silently(self, request: TokenRequest, record: AuthenticationRecord) -> tuple[AccessTokenInfo | None, str]:
        """The token that msal brings without troubling the user, or why there is none.

        :param record: the account that signed in.
        :raises ~azure.core.exceptions.ClientAuthenticationError: there was no answer.
        """

        def ask(client: Any) -> Any:
            accounts = client.get_accounts(username=record.username)
            home = record.home_account_id
            account = next((account for account in accounts if account.get("home_account_id") == home), None)
            return account and client.acquire_token_silent_with_error(
                list(request.scopes), account=account, claims_challenge=request.claims
            )

        token, result = self._asked(request, ask)
        return token, refusal(result)

    def _asked(self, request: TokenRequest, ask: Callable[[Any], Any]) -> tuple[AccessTokenInfo | None, Any]:
        now = int(time.time())
        try:
            result = ask(self._application(request.tenant_id, request.enable_cae))
        except ClientAuthenticationError:
            raise
        except Exception as error:  # msal documents no error of its own, and passes on those of its HTTP client
            raise authentication_failed(error, *self._secrets()) from error
        return token_of(result, now), result

    def _application(self, tenant_id: str | None, enable_cae: bool) -> Any:
        """The msal application for a tenant; creating it fetches the tenant's OpenID configuration."""
        key = (tenant_id, enable_cae)
        if key not in self._applications:
            with self._applications_lock:
                if key not in self._applications:
                    self._applications[key] = self._made_application(tenant_id, enable_cae)
        return self._applications[key]

    def _made_application(self, tenant_id: str | None, enable_cae: bool) -> Any:
        import msal

        from .msal_adapter import MsalHttpClient

        http_client = MsalHttpClient(self._pipeline)
        authority = f"{self._authority}/{tenant_id}"
        try:
            return self._new_application(
                msal,
                authority=authority,
                client_capabilities=["CP1"] if enable_cae else None,
                http_client=http_client,
                instance_discovery=self._instance_discovery,
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
            raise authentication_failed(reason, *self._secrets()) from error
