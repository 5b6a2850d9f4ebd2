"""The clock that a test moves: freezegun's, so that unmodified SDKs expire their caches by it.

freezegun is imported and started when the clock is first moved; a test that never moves it lives in real time.
The emulators run in the same process and read the same time.
"""

import datetime
import sys
from collections.abc import Callable
from typing import Any


class Clock:
    """The virtual clock of a test. It ticks on from wherever it is moved to; `moved` is called when it has been."""

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        self._moved = moved
        self._freezer: Any = None
        self._time: Any = None
        self._ignored: list[str] = []

    def now(self) -> float:
        """Return the current virtual time in epoch seconds."""
        return datetime.datetime.now(datetime.timezone.utc).timestamp()

    def advance(self, **duration: float) -> None:
        """Move ahead by a duration given as `datetime.timedelta` takes it: `advance(hours=25)`.

        Raises ValueError for a negative duration: tokens would be issued in their own past.
        """
        delta = datetime.timedelta(**duration)
        if delta < datetime.timedelta(0):
            raise ValueError(f"the clock cannot go back by {-delta}; use move_to() to start at an earlier time")
        self._start()
        self._time.tick(delta)
        self._moved()

    def move_to(self, moment: datetime.datetime | float) -> None:
        """Move to a moment: a datetime (UTC if it has no time zone) or epoch seconds."""
        if isinstance(moment, datetime.datetime):
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
        else:
            zoned = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
        self._start()
        self._time.move_to(zoned)
        self._moved()

    def stop(self) -> None:
        """Return to real time."""
        if self._freezer is None:
            return
        self._freezer.stop()
        sys.modules["freezegun"].config.configure(default_ignore_list=self._ignored)
        self._freezer = self._time = None

    def _start(self) -> None:
        if self._freezer is not None:
            return
        import freezegun

        # freezegun gives real time to calls from the modules of its list. `threading` and `queue` would include
        # an app's worker threads; `_pytest.timing` measures how long the test takes.
        self._ignored = list(freezegun.config.settings.default_ignore_list)
        ignored = [one for one in self._ignored if one not in ("threading", "queue")]
        freezegun.config.configure(default_ignore_list=[*ignored, "_pytest.timing"])
        self._freezer = freezegun.freeze_time(
            datetime.datetime.now(datetime.timezone.utc), tick=True, real_asyncio=True
        )
        self._time = self._freezer.start()
