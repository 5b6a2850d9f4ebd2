"""Tokens are kept, renewed in time, and asked for once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from azure.core.credentials import AccessTokenInfo
from credentials.fakes import renewals_ended
from freezegun import freeze_time

from pytest_azcred.credentials import token_cache
from pytest_azcred.credentials.request import TokenRequest
from pytest_azcred.credentials.token_cache import TokenCache, good_until

REQUEST = TokenRequest(("scope",), tenant_id="tenant")
START = 1_800_000_000


class Source:
    """Gives numbered tokens, and counts the requests."""

    def __init__(self, lifetime: int = 3600, refresh_in: int | None = None) -> None:
        self.lifetime = lifetime
        self.refresh_in = refresh_in
        self.requests = 0
        self.failure: BaseException | None = None

    def __call__(self, request: TokenRequest) -> AccessTokenInfo:
        self.requests += 1
        if self.failure:
            raise self.failure
        now = int(time.time())
        refresh_on = now + self.refresh_in if self.refresh_in else None
        return AccessTokenInfo(f"token-{self.requests}", now + self.lifetime, refresh_on=refresh_on)


@pytest.mark.parametrize(
    ("lifetime", "refresh_in", "good_for"),
    [
        (3600, None, 3300),
        (3600, 1800, 1800),
        (3600, 3500, 3300),
        (3600, 0, 30),
        (300, None, 30),
        (20, None, 20),
        (0, None, 0),
        (-1, None, -1),
    ],
)
def test_how_long_a_token_is_good(lifetime: int, refresh_in: int | None, good_for: int) -> None:
    """The rules of azure-identity 1.27: to 300 s before its end or as the server says, but 30 s after an attempt."""
    refresh_on = None if refresh_in is None else START + refresh_in
    token = AccessTokenInfo("token", START + lifetime, refresh_on=refresh_on)
    assert good_until(token, START) == START + good_for


def test_a_token_is_asked_for_once() -> None:
    """Until it is about to expire."""
    with freeze_time("2027-01-15") as clock:
        cache, source = TokenCache(), Source()
        assert cache.token(REQUEST, source).token == "token-1"
        clock.tick(3299)
        assert cache.token(REQUEST, source).token == "token-1"
        clock.tick(1)
        assert cache.token(REQUEST, source).token == "token-1"
        renewals_ended()
        assert cache.token(REQUEST, source).token == "token-2"


@pytest.mark.parametrize(
    "other",
    [
        TokenRequest(("other",), tenant_id="tenant"),
        TokenRequest(("scope",), tenant_id="other"),
        TokenRequest(("scope",), tenant_id="tenant", enable_cae=True),
    ],
)
def test_what_is_asked_for_tells_tokens_apart(other: TokenRequest) -> None:
    """A token for one scope, tenant or CAE setting does not do for another."""
    with freeze_time("2027-01-15"):
        cache, source = TokenCache(), Source()
        cache.token(REQUEST, source)
        assert cache.token(other, source).token == "token-2"
        assert cache.token(REQUEST, source).token == "token-1"


def test_claims_bypass_the_cache() -> None:
    """They come with a refusal of the token at hand, which the new one therefore replaces."""
    challenge = TokenRequest(("scope",), tenant_id="tenant", claims='{"access_token":{}}')
    with freeze_time("2027-01-15"):
        cache, source = TokenCache(), Source()
        cache.token(REQUEST, source)
        assert cache.token(challenge, source).token == "token-2"
        assert cache.token(challenge, source).token == "token-3"
        assert cache.token(REQUEST, source).token == "token-3"


def test_a_failed_early_renewal_is_no_failure() -> None:
    """The token at hand still does, and the service is left alone for 30 s."""
    with freeze_time("2027-01-15") as clock:
        cache, source = TokenCache(), Source(refresh_in=1800)
        cache.token(REQUEST, source)
        source.failure = OSError("down")
        clock.tick(1800)
        assert cache.token(REQUEST, source).token == "token-1"
        renewals_ended()
        clock.tick(29)
        assert cache.token(REQUEST, source).token == "token-1"
        renewals_ended()
        assert source.requests == 2
        clock.tick(1)
        assert cache.token(REQUEST, source).token == "token-1"
        renewals_ended()
        assert source.requests == 3


def test_a_failed_renewal_of_an_expired_token_is_a_failure() -> None:
    """Then there is nothing to fall back on, and no pause either."""
    with freeze_time("2027-01-15") as clock:
        cache, source = TokenCache(), Source()
        cache.token(REQUEST, source)
        source.failure = OSError("down")
        clock.tick(3600)
        for _ in range(2):
            with pytest.raises(OSError, match="down"):
                cache.token(REQUEST, source)
        assert source.requests == 3


def good() -> AccessTokenInfo:
    return AccessTokenInfo("token", 2**40)


def down() -> AccessTokenInfo:
    raise OSError("down")


def interrupted() -> AccessTokenInfo:
    raise KeyboardInterrupt


@pytest.fixture
def waiters(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released by each thread that is about to wait for another one's request."""
    waiters = threading.Semaphore(0)

    class Watched(Future[AccessTokenInfo]):
        def result(self, timeout: float | None = None) -> AccessTokenInfo:
            waiters.release()
            return super().result(timeout)

    monkeypatch.setattr(token_cache, "Future", Watched)
    return waiters


class Crowd:
    """Threads that ask one cache at the same time: the request ends when all the others wait for it."""

    def __init__(self, size: int, waiters: threading.Semaphore, outcome: Callable[[], AccessTokenInfo]) -> None:
        self.size = size
        self.waiters = waiters
        self.outcome = outcome
        self.cache = TokenCache()
        self.requests = 0

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        self.requests += 1
        if self.requests > 1:
            return good()
        for _ in range(self.size - 1):
            assert self.waiters.acquire(timeout=30)
        return self.outcome()

    def _ask(self, _: int) -> str:
        try:
            return self.cache.token(REQUEST, self._fetch).token
        except BaseException as error:
            return repr(error)

    def ask(self) -> list[str]:
        """What each thread got: a token or an error."""
        with ThreadPoolExecutor(self.size) as pool:
            return list(pool.map(self._ask, range(self.size)))


def test_many_threads_make_one_request(waiters: threading.Semaphore) -> None:
    """Those that come while it is under way wait for it and share the token."""
    crowd = Crowd(20, waiters, good)
    assert crowd.ask() == ["token"] * 20
    assert crowd.requests == 1


def test_those_that_wait_share_the_error(waiters: threading.Semaphore) -> None:
    """A failed request is not repeated by each of them."""
    crowd = Crowd(5, waiters, down)
    assert crowd.ask() == ["OSError('down')"] * 5
    assert crowd.requests == 1


def test_an_interrupted_request_is_taken_over(waiters: threading.Semaphore) -> None:
    """Ctrl-C in the thread that asks is not an answer for those that wait."""
    crowd = Crowd(5, waiters, interrupted)
    assert sorted(crowd.ask()) == ["KeyboardInterrupt()", *["token"] * 4]
    assert crowd.requests == 2


def test_an_early_renewal_keeps_nobody_waiting() -> None:
    """It happens once, on a thread of its own, and meanwhile everybody uses the token that is still valid."""
    with freeze_time("2027-01-15") as clock:
        cache, source = TokenCache(), Source(refresh_in=1800)
        cache.token(REQUEST, source)
        clock.tick(1800)
        release = threading.Event()

        def renew(request: TokenRequest) -> AccessTokenInfo:
            assert release.wait(30)
            return source(request)

        assert cache.token(REQUEST, renew).token == "token-1"
        clock.tick(31)  # longer than the pause between two attempts
        assert cache.token(REQUEST, renew).token == "token-1"
        release.set()
        renewals_ended()
        assert cache.token(REQUEST, renew).token == "token-2"
        assert source.requests == 2


def test_a_renewal_that_outlasts_the_token_is_waited_for() -> None:
    """Whoever then asks shares its outcome."""
    with freeze_time("2027-01-15") as clock:
        cache, source = TokenCache(), Source()
        cache.token(REQUEST, source)
        clock.tick(3300)
        release = threading.Event()

        def renew(request: TokenRequest) -> AccessTokenInfo:
            assert release.wait(30)
            return source(request)

        assert cache.token(REQUEST, renew).token == "token-1"
        clock.tick(301)
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(cache.token, REQUEST, renew)
            release.set()
            assert late.result(30).token == "token-2"


def test_where_no_thread_can_be_started_the_caller_renews(monkeypatch: pytest.MonkeyPatch) -> None:
    """As while the interpreter ends."""

    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with freeze_time("2027-01-15") as clock:
        cache, source = TokenCache(), Source()
        cache.token(REQUEST, source)
        clock.tick(3300)
        monkeypatch.setattr(token_cache, "start", no_thread)
        cache.token(REQUEST, source)
        assert cache.token(REQUEST, source).token == "token-2"
