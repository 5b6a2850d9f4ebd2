"""A user who signs in, while other tasks go on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_azcred.credentials.threads import start

from .credential import WrappingCredential
from .waiting import outcome

if TYPE_CHECKING:
    from pytest_azcred.credentials.authentication_record import AuthenticationRecord
    from pytest_azcred.credentials.user import UserCredential


class AsyncUserCredential(WrappingCredential):
    """Signs a user in on a thread. azure-identity has such credentials for synchronous apps only."""

    _wrapped: UserCredential

    async def authenticate(self, **keywords: Any) -> AuthenticationRecord:
        """Let a user sign in, unless a token can still be had without.

        It takes, returns and raises what the synchronous credential's ``authenticate`` does.
        """
        return await outcome(start(partial(self._wrapped.authenticate, **keywords), "azcred-token"))
