"""What the credentials have in common: two methods to ask for a token, a cache, and being closed."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from .request import TokenRequest, token_request
from .token_cache import NO_TOKEN, CallCache, TokenCache, TokenResult

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from typing_extensions import Self

    from .http import HttpPipeline


class Credential(ABC):
    """Gives access tokens to the clients of the Azure SDK.

    A call goes one way: it is looked for among those that were answered before, or checked and made a request, which
    ``_token`` answers. A chain hands the request to the ``_token`` of its credentials.
    """

    def __init__(self) -> None:
        self._calls = CallCache()

    @property
    def name(self) -> str:
        """What a chain calls it in its messages: the name of its class."""
        return type(self).__name__

    @property
    def is_configured(self) -> bool:
        """True if the credential is configured; sends no request."""
        return True

    def get_token(
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
        info = self._calls.keep(request, self._token(request))
        return AccessToken(info.token, info.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
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
        return self._calls.keep(request, self._token(request))

    @abstractmethod
    def _token(self, request: TokenRequest) -> TokenResult:
        """Answer a checked request, from wherever the token comes."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections that the credential holds open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class CachingCredential(Credential):
    """A credential that keeps what it got, and asks once however many threads want it."""

    def __init__(self) -> None:
        super().__init__()
        self._cache = TokenCache()

    def _token(self, request: TokenRequest) -> TokenResult:
        settled = self._settled(request)
        return TokenResult(self._cache.token(settled, self._fetch), self._cache.slot(settled))

    def _settled(self, request: TokenRequest) -> TokenRequest:
        """The request with everything decided that distinguishes one token from another, such as the tenant."""
        return request

    @abstractmethod
    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        """Ask for a new token."""

    def close(self) -> None:
        """Nothing to do: it holds no connections."""


class NetworkCredential(CachingCredential):
    """A credential that asks over the network."""

    def __init__(self, pipeline: HttpPipeline) -> None:
        super().__init__()
        self._pipeline = pipeline

    def close(self) -> None:
        """Close the connections that the credential holds open."""
        self._pipeline.__exit__()

    def __enter__(self) -> Self:
        self._pipeline.__enter__()
        return self


class DelegatingCredential(Credential):
    """A credential whose configuration decides which other one does the work."""

    def __init__(self, delegate: Credential) -> None:
        super().__init__()
        self._delegate = delegate

    @property
    def is_configured(self) -> bool:
        """Whether the other credential has what it needs to try."""
        return self._delegate.is_configured

    def _token(self, request: TokenRequest) -> TokenResult:
        return self._delegate._token(request)

    def close(self) -> None:
        """Close the connections that the credential holds open."""
        self._delegate.close()

    def __enter__(self) -> Self:
        self._delegate.__enter__()
        return self


class Unavailable(Credential):
    """Stands in for a credential that was not configured, and says why it was not.

    :param message: why, and what to do about it.
    :param name: the credential's name, if this is a link of a chain in its place.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__()
        self._message = message
        self._name = name

    @property
    def name(self) -> str:
        """The credential that this stands in for."""
        return self._name or type(self).__name__

    @property
    def is_configured(self) -> bool:
        """It is not."""
        return False

    def _token(self, request: TokenRequest) -> TokenResult:
        from .errors import CredentialUnavailableError

        raise CredentialUnavailableError(message=self._message)

    def close(self) -> None:
        """Nothing to do: it holds no connections."""


def name_of(credential: object) -> str:
    """What a chain calls a credential in its messages."""
    return credential.name if isinstance(credential, Credential) else type(credential).__name__
