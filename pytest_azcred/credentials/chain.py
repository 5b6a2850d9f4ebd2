"""Several credentials, asked in order until one gives a token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError

from .credential import within_chain
from .errors import CredentialUnavailableError, is_unavailable
from .request import token_request

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider, TokenRequestOptions
    from typing_extensions import Self

_LOGGER = logging.getLogger(__name__)
Token = TypeVar("Token", AccessToken, AccessTokenInfo)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A credential that gave no token, and why."""

    credential: str
    reason: str


class ChainedTokenCredential:
    """Asks each credential for a token, in order.

    A credential that is unavailable lets the next one try; one that fails ends the attempt. Every call begins with
    the first credential again.

    :param credentials: the credentials, in the order to ask them.
    :raises ValueError: there are none.
    """

    def __init__(self, *credentials: TokenProvider) -> None:
        if not credentials:
            raise ValueError("at least one credential is required")
        self.credentials = credentials

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Get an access token from the first credential that has one.

        :param scopes: what the token is for, such as ``https://vault.azure.net/.default``.
        :param claims: the claims that a service asked for when it refused a token.
        :param tenant_id: the tenant to ask, if it is not the one that a credential was configured with.
        :param enable_cae: ask for a token that continuous access evaluation can revoke.
        :return: the token and its expiry, in seconds since the epoch.
        :raises ~azure.core.exceptions.ClientAuthenticationError: no credential gave a token; the message lists them.
        :raises ValueError: there is no scope, or a scope or the tenant is malformed.
        """
        options = {"claims": claims, "tenant_id": tenant_id, "enable_cae": enable_cae}
        token_request("get_token", scopes, options)

        def ask(credential: Any) -> AccessToken:
            if hasattr(credential, "get_token"):
                token: AccessToken = credential.get_token(*scopes, **options, **kwargs)
                return token
            given = {name: value for name, value in options.items() if value is not None}
            info = credential.get_token_info(*scopes, options=given)
            return AccessToken(info.token, info.expires_on)

        return self._token(ask)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Get an access token with its type and the time to renew it. Otherwise the same as ``get_token``.

        :param scopes: what the token is for, such as ``https://vault.azure.net/.default``.
        :param options: ``claims``, ``tenant_id`` and ``enable_cae``, as the keywords of ``get_token``.
        :return: the token; its times are in seconds since the epoch.
        :raises ~azure.core.exceptions.ClientAuthenticationError: no credential gave a token; the message lists them.
        :raises ValueError: there is no scope, or a scope or the tenant is malformed.
        """
        token_request("get_token_info", scopes, options)
        given: Any = options or {}

        def ask(credential: Any) -> AccessTokenInfo:
            if hasattr(credential, "get_token_info"):
                info: AccessTokenInfo = credential.get_token_info(*scopes, options=given)
                return info
            if given.get("pop"):
                raise CredentialUnavailableError(message="It cannot give a proof-of-possession token.")
            token = credential.get_token(*scopes, **given)
            return AccessTokenInfo(token.token, token.expires_on)

        return self._token(ask)

    def _token(self, ask: Callable[[Any], Token]) -> Token:
        return self._first(ask)[1]

    def _first(self, ask: Callable[[Any], Token]) -> tuple[TokenProvider, Token]:
        """The first credential that gives a token, and the token."""
        attempts: list[Attempt] = []
        failure: Exception | None = None
        reset = within_chain.set(True)
        try:
            for credential in self.credentials:
                name = type(credential).__name__
                try:
                    token = ask(credential)
                except Exception as error:
                    if not is_unavailable(error):
                        failure = error
                        attempts.append(Attempt(name, str(error)))
                        break
                    attempts.append(Attempt(name, getattr(error, "message", str(error))))
                else:
                    _LOGGER.info("%s got a token from %s", type(self).__name__, name)
                    return credential, token
        finally:
            within_chain.reset(reset)
        message = failure_message(type(self).__name__, attempts)
        _LOGGER.warning(message)
        raise ClientAuthenticationError(message=message) from failure

    def close(self) -> None:
        """Close each credential that can be closed."""
        with ExitStack() as stack:  # closes the others too if one raises
            for credential in reversed(self.credentials):
                if hasattr(credential, "close"):
                    stack.callback(credential.close)

    def __enter__(self) -> Self:
        for credential in self.credentials:
            if hasattr(credential, "__enter__"):
                credential.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def failure_message(chain: str, attempts: Iterable[Attempt]) -> str:
    """Why a chain has no token, word for word in the format of azure-identity 1.27, which tools look for."""
    lines = [f"\t{attempt.credential}: {attempt.reason}" for attempt in attempts]
    return "\n".join(
        [
            f"{chain} failed to retrieve a token from the included credentials.",
            "Attempted credentials:",
            *(line.removesuffix(": ") for line in lines),
            "To mitigate this issue, please refer to the troubleshooting guidelines here at "
            "https://aka.ms/azsdk/python/identity/defaultazurecredential/troubleshoot.",
        ]
    )
