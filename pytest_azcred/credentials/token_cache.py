"""The tokens of one credential: when each is renewed, and at most one request at a time for it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .request import Key
from .threads import start

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo

    from .request import TokenRequest

_LOGGER = logging.getLogger(__name__)

EARLY_SECONDS = 300
"""How long before its expiry a token is renewed (azure-identity 1.27)."""

PAUSE_SECONDS = 30
"""How long after an attempt a token that is still valid is left alone (azure-identity 1.27)."""


@dataclass(slots=True)
class Slot:
    """The token for one kind of request, in the shape of either of azure-core's protocols."""

    good_until: float = -math.inf
    """Until when it does without another thought. Readers look at this first, and take no lock."""
    expires_on: float = -math.inf
    last_attempt: float = -math.inf
    token: AccessToken = field(init=False)
    info: AccessTokenInfo = field(init=False)

    def keep(self, info: AccessTokenInfo) -> None:
        """Put a new token here."""
        from azure.core.credentials import AccessToken

        self.info = info
        self.token = AccessToken(info.token, info.expires_on)
        self.expires_on = info.expires_on
        self.good_until = good_until(info, self.last_attempt)


class TokenResult(NamedTuple):
    """A token, and where its successors will be; None if each call has to find out anew who has one."""

    info: AccessTokenInfo
    slot: Slot | None = None


NO_TOKEN = Slot()
"""The slot of a call that is not known."""


class CallCache(dict[Key, Slot]):
    """Where the token is for calls that a credential checked and answered before: the next ones look only here.

    They take the token as it is until ``good_until``.
    """

    __slots__ = ()

    def keep(self, request: TokenRequest, result: TokenResult) -> AccessTokenInfo:
        """Remember where the token is that a call got, and return the token."""
        if result.slot is not None:
            self[request.key] = result.slot
        return result.info


class TokenCache:
    """Keeps a token for each scopes, tenant and CAE setting, and renews it once however many threads ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[Key, Slot] = {}
        self._flights: dict[TokenRequest, Future[AccessTokenInfo]] = {}

    def slot(self, request: TokenRequest) -> Slot:
        """Where the token for a request is kept."""
        return self._slots.setdefault(request.key, Slot())

    def token(self, request: TokenRequest, fetch: Callable[[TokenRequest], AccessTokenInfo]) -> AccessTokenInfo:
        """Answer from the cache, or with what ``fetch`` brings.

        A token that is due to be renewed is renewed on a thread of its own, and does meanwhile; if that fails, it
        still does until it expires.

        A request with claims is never answered from the cache: a service asked for a new token. The new token then
        replaces the one that the service refused.

        :param fetch: makes the network request; called without any lock held.
        :raises Exception: what ``fetch`` raised, in every thread that waited for it.
        """
        slot = self.slot(request)
        while True:
            with self._lock:
                now = time.time()
                cached = None if request.claims or now >= slot.expires_on else slot.info
                if cached is not None and now < slot.good_until:
                    return cached
                flight = self._flights.get(request)
                is_mine = flight is None
                if flight is None:
                    flight = self._flights[request] = Future()
                    slot.last_attempt = now
                    if cached is not None:
                        slot.good_until = good_until(cached, now)
            if cached is not None:
                if is_mine:
                    self._renew(request, slot, flight, fetch)
                return cached
            if is_mine:
                return self._fly(request, slot, flight, fetch)
            try:
                return flight.result()
            except CancelledError:
                continue  # the thread that was fetching was interrupted; this one may have to take its place

    def _renew(
        self,
        request: TokenRequest,
        slot: Slot,
        flight: Future[AccessTokenInfo],
        fetch: Callable[[TokenRequest], AccessTokenInfo],
    ) -> None:
        def renew() -> None:
            try:
                self._fly(request, slot, flight, fetch)
            except Exception as error:
                _LOGGER.info("A token is kept although renewing it failed: %s", type(error).__name__)

        try:
            start(renew, "azcred-renew")
        except RuntimeError:  # no more threads, as while the interpreter ends
            renew()

    def _fly(
        self,
        request: TokenRequest,
        slot: Slot,
        flight: Future[AccessTokenInfo],
        fetch: Callable[[TokenRequest], AccessTokenInfo],
    ) -> AccessTokenInfo:
        try:
            token = fetch(request)
        except BaseException as error:
            with self._lock:
                del self._flights[request]
            if isinstance(error, Exception):
                flight.set_exception(error)
            else:
                flight.cancel()  # Ctrl-C belongs to this thread, not to those that wait
            raise
        with self._lock:
            slot.keep(token)
            del self._flights[request]
        flight.set_result(token)
        return token


def good_until(token: AccessTokenInfo, last_attempt: float) -> float:
    """Until when a token is handed out without another thought, in seconds since the epoch.

    Afterwards it still does until it expires, but is due to be renewed.

    :param last_attempt: when a request for such a token was last begun, in seconds since the epoch.
    """
    due = token.expires_on - EARLY_SECONDS
    if token.refresh_on is not None:
        due = min(due, token.refresh_on)
    return min(max(due, last_attempt + PAUSE_SECONDS), token.expires_on)
