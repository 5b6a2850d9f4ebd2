"""A function that gives tokens, for asynchronous clients that take one instead of a credential."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenProvider


def get_bearer_token_provider(credential: AsyncTokenProvider, *scopes: str) -> Callable[[], Coroutine[Any, Any, str]]:
    """Return a function that returns a valid access token whenever it is called and awaited.

    :param credential: where the tokens come from, and are kept.
    :param scopes: what they are for, such as ``https://cognitiveservices.azure.com/.default``.
    """

    async def token() -> str:
        if hasattr(credential, "get_token_info"):
            return (await credential.get_token_info(*scopes)).token
        return (await credential.get_token(*scopes)).token

    return token
