"""The tokens of one credential, and at most one request at a time for each."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .refresh import Refresh, refresh_advice

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

    from .request import TokenRequest


@dataclass(slots=True)
class _Entry:
    token: AccessTokenInfo | None = None
    last_attempt: float = -math.inf


class TokenCache:
    """Keeps a token for each scopes, tenant and CAE setting, and renews it once however many threads ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[TokenRequest, _Entry] = {}
        self._flights: dict[TokenRequest, Future[AccessTokenInfo]] = {}

    def token(self, request: TokenRequest, fetch: Callable[[TokenRequest], AccessTokenInfo]) -> AccessTokenInfo:
        """Answer from the cache, or with what ``fetch`` brings.

        A request with claims is never answered from the cache: a service asked for a new token. The new token then
        replaces the one that the service refused.

        :param fetch: makes the network request; called without any lock held.
        :raises Exception: what ``fetch`` raised, in every thread that waited for it, unless a valid token is at hand.
        """
        key = replace(request, claims=None)
        while True:
            with self._lock:
                entry = self._entries.setdefault(key, _Entry())
                cached = None if request.claims else entry.token
                now = time.time()
                advice = refresh_advice(cached, entry.last_attempt, now)
                if cached is not None and advice is Refresh.NEEDLESS:
                    return cached
                flight = self._flights.get(request)
                if flight is None:
                    flight = self._flights[request] = Future()
                    entry.last_attempt = now
                    break
            if cached is not None and advice is Refresh.ADVISED:
                return cached
            try:
                return flight.result()
            except CancelledError:
                continue  # the thread that was fetching was interrupted; this one may have to take its place
        try:
            return self._fly(request, entry, flight, fetch)
        except Exception:
            if cached is not None and advice is Refresh.ADVISED:
                return cached
            raise

    def _fly(
        self,
        request: TokenRequest,
        entry: _Entry,
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
            entry.token = token
            del self._flights[request]
        flight.set_result(token)
        return token
