"""The chain that asynchronous apps use without configuring it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_azcred.credentials import default
from pytest_azcred.credentials.threads import start

from .credential import WrappingCredential, wrapping
from .waiting import outcome

if TYPE_CHECKING:
    from pytest_azcred.credentials.explanation import Explanation


class DefaultAzureCredential(WrappingCredential):
    """Finds the identity of the place where the app runs."""

    _wrapped: default.DefaultAzureCredential

    @wrapping(default.DefaultAzureCredential)
    def __init__(self) -> None: ...

    @property
    def selected(self) -> str | None:
        """The class name of the credential that gave the first token, and gives all others; None before that."""
        return self._wrapped.selected

    async def explain(self, *scopes: str) -> Explanation:
        """Ask every credential in order and tell what came of it, as its synchronous namesake does.

        :param scopes: what the token would be for, such as ``https://storage.azure.com/.default``.
        :raises ValueError: there is no scope, or a scope is malformed.
        """
        return await outcome(start(partial(self._wrapped.explain, *scopes), "azcred-explain"))
