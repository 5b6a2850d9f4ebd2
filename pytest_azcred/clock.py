"""The clock that a test moves: freezegun's, so that unmodified SDKs expire their caches by it.

freezegun is imported and started when the clock is first moved; a test that never moves it lives in real time.
The emulators run in the same process and read the same time.
"""

import datetime
import sys
from collections.abc import Callable
from typing import Any, Protocol

from azcred_emulators.durations import Duration, in_seconds, timedelta_of
from pytest_azcred.waits import WAITING, Waits, skip_waits


class ExpiringToken(Protocol):
    """A token as azure-core hands it out: AccessToken and AccessTokenInfo."""

    @property
    def expires_on(self) -> int:
        """When it expires, in epoch seconds."""


class Clock:
    """The virtual clock of a test. After a move it keeps ticking from there; `moved` is then called."""

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        self._moved = moved
        self._freezer: Any = None
        self._time: Any = None
        self._ignored: list[str] = []
        self._waits: list[Waits] = []

    def now(self) -> float:
        """Return the current virtual time.

        :return: seconds since the epoch.
        """
        return datetime.datetime.now(datetime.timezone.utc).timestamp()

    def advance(self, duration: Duration | None = None, **keywords: float) -> None:
        """Move the clock forward: `advance("25 hours")`, `advance(90)` or `advance(hours=25)`.

        :param duration: a timedelta, a text such as "25 hours", or a number of seconds.
        :param keywords: in place of a duration, the keywords of `datetime.timedelta`.
        :raises ValueError: the duration is negative, since tokens would be issued in their own past, or is no duration.
        """
        delta = timedelta_of(duration, keywords)
        if delta < datetime.timedelta(0):
            raise ValueError(f"the clock cannot go back by {-delta}; use move_to() to start at an earlier time")
        self._start()
        self._time.tick(delta)
        self._moved()

    def move_to(self, moment: datetime.datetime | float) -> None:
        """Move the clock to a point in time, also in the past.

        :param moment: a datetime, in UTC if it has no time zone, or seconds since the epoch.
        """
        if isinstance(moment, datetime.datetime):
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
        else:
            zoned = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
        self._start()
        self._time.move_to(zoned)
        self._moved()

    def until_expiry_of(self, token: str | ExpiringToken, *, minus: Duration = 0) -> None:
        """Move the clock forward to the time at which a token expires, or to some time before it.

        :param token: what the app received, or the JWT itself.
        :param minus: how long before the expiry: a timedelta, a text such as "5 min", or a number of seconds.
        :raises ValueError: that time has passed, or the token is not a JWT with an `exp` claim.
        """
        ahead = _expiry(token) - in_seconds(minus, negative=True) - self.now()
        if ahead < 0:
            raise ValueError(f"the clock cannot go back by {-ahead:.0f} s to when this token expires, minus {minus!r}")
        self.advance(seconds=ahead)

    def skip_waits(self, *packages: str) -> Waits:
        """Skip the waits between the retries of an unmodified SDK: move the clock instead, until the scope ends.

        Threads that wait at the same time move the clock one after the other. The journal has the times of the retries.

        :param packages: whose waits; by default those of azure-core, azure-identity, msal and our own chain.
        :return: the waits; its `seconds` lists them. Use it in a `with` to end it earlier.
        """
        self._waits.append(skip_waits(self.advance, packages or WAITING))
        return self._waits[-1]

    def stop(self) -> None:
        """Return to real time."""
        while self._waits:
            self._waits.pop().stop()
        if self._freezer is None:
            return
        self._freezer.stop()
        sys.modules["freezegun"].config.configure(default_ignore_list=self._ignored)
        self._freezer = self._time = None
        self._moved()

    def _start(self) -> None:
        if self._freezer is not None:
            return
        import freezegun

        # freezegun gives real time to calls from the modules of its list. `threading` and `queue` would include
        # an app's worker threads; `_pytest.timing` measures how long the test takes.
        self._ignored = list(freezegun.config.settings.default_ignore_list)
        ignored = [name for name in self._ignored if name not in ("threading", "queue")]
        freezegun.config.configure(default_ignore_list=[*ignored, "_pytest.timing"])
        self._freezer = freezegun.freeze_time(
            datetime.datetime.now(datetime.timezone.utc), tick=True, real_asyncio=True
        )
        self._time = self._freezer.start()


def _expiry(token: str | ExpiringToken) -> float:
    if not isinstance(token, str):
        return token.expires_on
    import jwt

    try:
        return float(jwt.decode(token, options={"verify_signature": False})["exp"])
    except (jwt.InvalidTokenError, KeyError) as error:
        raise ValueError("the token is no JWT with an exp claim, so when it expires is not known") from error
