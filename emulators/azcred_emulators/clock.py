"""The time that every emulator goes by; the only module of the emulators that asks the machine for it."""

import threading
import time
from datetime import timedelta


class Clock:
    """A clock that follows the process's time and can be moved ahead of it.

    It reads `time.time` at every call, so a process whose time is virtual (freezegun, time-machine) has
    emulators on the same virtual time without a word said.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = 0.0

    def now(self) -> float:
        """Return the current time in epoch seconds."""
        return time.time() + self._ahead

    def advance(self, **duration: float) -> None:
        """Move ahead by a duration given as `datetime.timedelta` takes it: `advance(hours=25)`."""
        with self._lock:
            self._ahead += timedelta(**duration).total_seconds()

    def reset(self) -> None:
        """Return to the process's own time."""
        with self._lock:
            self._ahead = 0.0


def stopwatch() -> float:
    """Return seconds from an arbitrary start, for measuring how long an answer took."""
    return time.perf_counter()
