"""The time that every emulator goes by; the only module of the emulators that asks the machine for it."""

import math
import re
import threading
import time
from contextlib import suppress
from datetime import datetime, timezone
from functools import lru_cache
from io import BytesIO
from zoneinfo import ZoneInfo

from azcred_emulators.durations import Duration, timedelta_of

_REAL = (time.perf_counter,)  # in a tuple, where freezegun does not replace it


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

    def advance(self, duration: Duration | None = None, **keywords: float) -> None:
        """Move the clock forward: `advance("25 hours")`, `advance(90)` or `advance(hours=25)`, as `timedelta` has it.

        A negative duration moves it back. Raises ValueError for what is no duration.
        """
        seconds = timedelta_of(duration, keywords).total_seconds()
        with self._lock:
            self._ahead += seconds

    def reset(self) -> None:
        """Return to the process's own time."""
        with self._lock:
            self._ahead = 0.0


def epoch_seconds(moment: object) -> float:
    """Return the epoch seconds of a moment: a number of them, also as text, or text in ISO 8601, UTC if it has no zone.

    Raises ValueError for anything else.
    """
    with suppress(ValueError, OverflowError):
        if isinstance(moment, int | float | str) and not isinstance(moment, bool) and math.isfinite(float(moment)):
            return float(moment)
    if isinstance(moment, str):
        with suppress(ValueError, OverflowError):
            zoned = datetime.fromisoformat(re.sub("[Zz]$", "+00:00", moment))
            return (zoned if zoned.tzinfo else zoned.replace(tzinfo=timezone.utc)).timestamp()
    raise ValueError(f"a moment is epoch seconds or ISO 8601 such as '2030-01-31T12:00:00Z', not {moment!r}")


def stopwatch() -> float:
    """Return real seconds from an arbitrary start: how long an answer took, and how long a client is waited for."""
    return _REAL[0]()


def local_time(moment: float, zone: str | None = None) -> datetime:
    """Return a moment, in epoch seconds, as the clocks of a time zone show it; without a zone, this machine's.

    `zone` is a value of the variable TZ: a name ("Europe/Berlin") or POSIX's own form ("EST5EDT,M3.2.0,M11.1.0").
    As in the C library, one that cannot be understood means UTC.
    """
    if zone is None:
        return datetime(*time.localtime(moment)[:6])  # given a moment, also a frozen clock tells the machine's time
    return datetime.fromtimestamp(int(moment), timezone.utc).astimezone(_zone(zone)).replace(tzinfo=None)


@lru_cache(maxsize=64)
def _zone(text: str) -> ZoneInfo | timezone:
    name = text.removeprefix(":")
    try:
        if name.startswith("/"):
            with open(name, "rb") as file:
                return ZoneInfo.from_file(file)
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # no such file, no name, or no such zone
        pass
    try:
        return ZoneInfo.from_file(BytesIO(_time_zone_file(text.encode())))
    except ValueError:
        return timezone.utc


def _time_zone_file(rule: bytes) -> bytes:
    """Return a TZif file (RFC 8536) without transitions, whose footer is a rule in POSIX's form."""
    counts = b"".join(count.to_bytes(4, "big") for count in (0, 0, 0, 0, 1, 1))
    part = b"TZif2" + bytes(15) + counts + bytes(4 + 1 + 1) + b"\0"
    return part + part + b"\n" + rule + b"\n"
