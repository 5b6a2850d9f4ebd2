"""A function that gives tokens, for clients that take one instead of a credential."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider


def get_bearer_token_provider(credential: TokenProvider, *scopes: str) -> Callable[[], str]:
    """Return a function that returns a valid access token whenever it is called, as the client of OpenAI takes.

    :param credential: where the tokens come from, and are kept.
    :param scopes: what they are for, such as ``https://cognitiveservices.azure.com/.default``.
    """

    def token() -> str:
        if hasattr(credential, "get_token_info"):
            return credential.get_token_info(*scopes).token
        return credential.get_token(*scopes).token

    return token
