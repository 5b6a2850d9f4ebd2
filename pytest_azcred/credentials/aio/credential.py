"""What every asynchronous credential is; most are a synchronous one that waits on a thread, if it has to wait."""

from __future__ import annotations

import inspect
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from pytest_azcred.credentials.credential import Credential
from pytest_azcred.credentials.request import TokenRequest, token_request
from pytest_azcred.credentials.threads import start
from pytest_azcred.credentials.token_cache import NO_TOKEN, CallCache, TokenResult

from .waiting import outcome

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self

Parameters = ParamSpec("Parameters")


class AsyncCredential(ABC):
    """Gives access tokens to the asynchronous clients of the Azure SDK, under asyncio and under trio."""

    def __init__(self) -> None:
        self._calls = CallCache()

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Get an access token. The clients of the Azure SDK call this themselves.

        :param scopes: what the token is for, such as ``https://vault.azure.net/.default``.
        :param claims: the claims that a service asked for when it refused a token.
        :param tenant_id: the tenant to ask, if it is not the one that the credential was configured with.
        :param enable_cae: ask for a token that continuous access evaluation can revoke.
        :return: the token and its expiry, in seconds since the epoch.
        :raises CredentialUnavailableError: something that the credential needs is not there.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the attempt was made and failed.
        :raises ValueError: there is no scope, or a scope or the tenant is malformed.
        """
        slot = self._calls.get((scopes, tenant_id, enable_cae), NO_TOKEN)
        if time.time() < slot.good_until and not claims:
            return slot.token
        from azure.core.credentials import AccessToken

        options = {"claims": claims, "tenant_id": tenant_id, "enable_cae": enable_cae}
        request = token_request("get_token", scopes, options, kwargs)
        info = self._calls.keep(request, await self._token(request))
        return AccessToken(info.token, info.expires_on)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Get an access token with its type and the time to renew it. Otherwise the same as ``get_token``.

        :param scopes: what the token is for, such as ``https://vault.azure.net/.default``.
        :param options: ``claims``, ``tenant_id`` and ``enable_cae``, as the keywords of ``get_token``.
        :return: the token; its times are in seconds since the epoch.
        :raises CredentialUnavailableError: something that the credential needs is not there.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the attempt was made and failed.
        :raises ValueError: there is no scope, or a scope or the tenant is malformed.
        """
        values: Any = options or {}
        slot = self._calls.get((scopes, values.get("tenant_id"), values.get("enable_cae", False)), NO_TOKEN)
        if time.time() < slot.good_until and not values.get("claims"):
            return slot.info
        request = token_request("get_token_info", scopes, values)
        return self._calls.keep(request, await self._token(request))

    @abstractmethod
    async def _token(self, request: TokenRequest) -> TokenResult:
        """Answer a checked request, from wherever the token comes."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections that the credential holds open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


class WrappingCredential(AsyncCredential):
    """Asks a synchronous credential on a thread.

    A token that is at hand is returned at once. Otherwise one thread asks for it, however many tasks want it; a task
    that is cancelled meanwhile does not take it from the others.
    """

    def __init__(self, wrapped: Credential) -> None:
        super().__init__()
        self._wrapped = wrapped
        self._lock = threading.Lock()  # tasks of several event loops may share a credential
        self._flights: dict[TokenRequest, Future[TokenResult]] = {}

    @property
    def is_configured(self) -> bool:
        """True if the credential is configured; sends no request."""
        return self._wrapped.is_configured

    async def _token(self, request: TokenRequest) -> TokenResult:
        slot = self._calls.get(request.key, NO_TOKEN)
        if time.time() < slot.good_until and not request.claims:  # a chain asks
            return TokenResult(slot.info, slot)
        with self._lock:
            flight = self._flights.get(request)
            if flight is None:
                flight = self._flights[request] = start(partial(self._answer, request), "azcred-token")
                flight.add_done_callback(lambda _: self._flights.pop(request))
        return await outcome(flight)

    def _answer(self, request: TokenRequest) -> TokenResult:
        result = self._wrapped._token(request)
        self._calls.keep(request, result)  # also if all those have been cancelled who asked
        return result

    async def close(self) -> None:
        """Close the connections that the credential holds open."""
        await outcome(start(self._wrapped.close, "azcred-close"))

    async def __aenter__(self) -> Self:
        await outcome(start(self._wrapped.__enter__, "azcred-open"))
        return self


def wrapping(
    kind: Callable[Parameters, Credential],
) -> Callable[[Callable[[Any], None]], Callable[Concatenate[Any, Parameters], None]]:
    """Makes a constructor that takes what a synchronous credential's takes, and wraps such a credential."""

    def decorate(constructor: Callable[[Any], None]) -> Callable[Concatenate[Any, Parameters], None]:
        def __init__(self: Any, /, *arguments: Parameters.args, **keywords: Parameters.kwargs) -> None:
            if inspect.iscoroutinefunction(getattr(keywords.get("transport"), "send", None)):
                raise TypeError(
                    f"transport is {type(keywords['transport']).__name__}, but requests for tokens are sent on a "
                    "thread: give a synchronous transport such as azure.core's RequestsTransport, or none."
                )
            WrappingCredential.__init__(self, kind(*arguments, **keywords))

        update_wrapper(__init__, constructor)
        __init__.__wrapped__ = kind.__init__  # type: ignore[attr-defined]  # what help() shows as the parameters
        return __init__

    return decorate
