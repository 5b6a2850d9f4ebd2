"""Several asynchronous credentials, asked in order until one gives a token."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_azcred.credentials.request import TokenRequest, is_overridden, token_info, token_request
from pytest_azcred.credentials.round import Round
from pytest_azcred.credentials.token_cache import TokenResult
from pytest_azcred.credentials.trace import Caller

from .credential import AsyncCredential

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenProvider
    from typing_extensions import Self

    from pytest_azcred.credentials.explanation import Explanation


class ChainedTokenCredential(AsyncCredential):
    """Asks each credential for a token, in order.

    A credential that is unavailable lets the next one try; one that fails ends the attempt. Every call begins with
    the first credential again.

    :param credentials: the asynchronous credentials, in the order to ask them; azure-identity's will do as well.
    :raises ValueError: there are none.
    """

    def __init__(self, *credentials: AsyncTokenProvider) -> None:
        if not credentials:
            raise ValueError("at least one credential is required")
        super().__init__()
        self.credentials = credentials

    async def _token(self, request: TokenRequest) -> TokenResult:
        credential, result, _ = await self._first(request)
        # Only what the first credential has is what the next call would return, too.
        return result if credential is self.credentials[0] else TokenResult(result.info)

    async def _first(self, request: TokenRequest) -> tuple[AsyncTokenProvider, TokenResult, Round]:
        """The first credential that gives a token, the token, and how that came about."""
        request = replace(request, asked_by=Caller.CHAIN)
        this_round = Round(type(self).__name__, self.credentials, request)
        for credential in self.credentials:
            with this_round.asking(credential):
                return credential, await ask(credential, request), this_round
        raise this_round.failure()

    async def explain(self, *scopes: str) -> Explanation:
        """Ask every credential in order and tell what came of it, as its synchronous namesake does.

        :param scopes: what the token would be for, such as ``https://storage.azure.com/.default``.
        :raises ValueError: there is no scope, or a scope is malformed.
        """
        from pytest_azcred.credentials.errors import ChainFailedError

        try:
            _, _, this_round = await self._first(token_request("explain", scopes, {}))
        except ChainFailedError as error:
            return error.explanation
        return this_round.explanation()

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


async def ask(credential: AsyncTokenProvider, request: TokenRequest) -> TokenResult:
    """Ask one credential: one of ours directly, any other by the method that the app called."""
    if isinstance(credential, AsyncCredential) and not is_overridden(credential, AsyncCredential):
        return await credential._token(request)
    return TokenResult(token_info(await request.repeat_call(credential)))
