"""Several asynchronous credentials, asked in order until one gives a token."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from pytest_azcred.credentials.request import token_request
from pytest_azcred.credentials.round import Question, Round

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncTokenProvider
    from typing_extensions import Self

    from pytest_azcred.credentials.explanation import Explanation


class ChainedTokenCredential:
    """Asks each credential for a token, in order.

    A credential that is unavailable lets the next one try; one that fails ends the attempt. Every call begins with
    the first credential again.

    :param credentials: the asynchronous credentials, in the order to ask them; azure-identity's will do as well.
    :raises ValueError: there are none.
    """

    def __init__(self, *credentials: AsyncTokenProvider) -> None:
        if not credentials:
            raise ValueError("at least one credential is required")
        self.credentials = credentials

    async def get_token(
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
        token: AccessToken = await self._ask(Question("get_token", scopes, options, kwargs))
        return token

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Get an access token with its type and the time to renew it. Otherwise the same as ``get_token``.

        :param scopes: what the token is for, such as ``https://vault.azure.net/.default``.
        :param options: ``claims``, ``tenant_id`` and ``enable_cae``, as the keywords of ``get_token``.
        :return: the token; its times are in seconds since the epoch.
        :raises ~azure.core.exceptions.ClientAuthenticationError: no credential gave a token; the message lists them.
        :raises ValueError: there is no scope, or a scope or the tenant is malformed.
        """
        token_request("get_token_info", scopes, options)
        info: AccessTokenInfo = await self._ask(Question("get_token_info", scopes, options or {}))
        return info

    async def explain(self, *scopes: str) -> Explanation:
        """Ask every credential in order and tell what came of it, as its synchronous namesake does.

        :param scopes: what the token would be for, such as ``https://storage.azure.com/.default``.
        :raises ValueError: there is no scope, or a scope is malformed.
        """
        from pytest_azcred.credentials.errors import ChainFailedError

        token_request("explain", scopes, None)
        try:
            _, this_round = await self._first(Question("get_token_info", scopes, {}))
        except ChainFailedError as error:
            return error.explanation
        return this_round.explanation()

    async def _ask(self, question: Question) -> Any:
        return (await self._first(question))[0]

    async def _first(self, question: Question) -> tuple[Any, Round]:
        this_round = Round(type(self).__name__, self.credentials, question.scopes)
        for credential in self.credentials:
            with this_round.asking(credential):
                return question.read(await question.put_to(credential)), this_round
        raise this_round.failure()

    async def close(self) -> None:
        """Close each credential that can be closed."""
        async with AsyncExitStack() as stack:  # closes the others too if one raises
            for credential in reversed(self.credentials):
                if hasattr(credential, "close"):
                    stack.push_async_callback(credential.close)

    async def __aenter__(self) -> Self:
        for credential in self.credentials:
            if hasattr(credential, "__aenter__"):
                await credential.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
