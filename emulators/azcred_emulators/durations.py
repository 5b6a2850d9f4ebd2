"""Durations as users write them: a timedelta, text such as "5 min", or a number of seconds."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias

Duration: TypeAlias = timedelta | str | float

_LONGEST = timedelta(days=36525)  # a century; the sum of a date and a longer duration may leave the calendar
_UNITS: Mapping[float, tuple[str, ...]] = {  # by their seconds
    0.001: ("ms", "millisecond", "milliseconds"),
    1: ("s", "sec", "secs", "second", "seconds"),
    60: ("m", "min", "mins", "minute", "minutes"),
    3600: ("h", "hour", "hours"),
    86400: ("d", "day", "days"),
    604800: ("week", "weeks"),
}
_SECONDS = {name: seconds for seconds, names in _UNITS.items() for name in names}
_TEXT = re.compile(r"\s*(-?[0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*")
PATTERN = rf"^-?[0-9]{{1,9}}(\.[0-9]+)? ?({'|'.join(_SECONDS)})$"  # of the text, for JSON schemas


def as_timedelta(duration: Duration, *, negative: bool = False) -> timedelta:
    """Return a duration as a timedelta.

    Raises ValueError for anything else, for a duration of more than a century, and for a negative one unless
    `negative` allows it.
    """
    seconds = _seconds(duration)
    if abs(seconds) > _LONGEST.total_seconds():
        raise ValueError(f"a duration is at most a century, not {duration!r}")
    if seconds < 0 and not negative:
        raise ValueError(f"this duration cannot be negative, as {duration!r} is")
    return duration if isinstance(duration, timedelta) else timedelta(seconds=seconds)


def in_seconds(duration: Duration, *, negative: bool = False) -> float:
    """Return a duration as a number of seconds; raises ValueError as `as_timedelta` does."""
    return as_timedelta(duration, negative=negative).total_seconds()


def as_header(seconds: float) -> str:
    """Return seconds as a header's value: whole numbers without a point."""
    return str(int(seconds)) if seconds == int(seconds) else str(seconds)


def timedelta_of(duration: Duration | None, keywords: Mapping[str, float]) -> timedelta:
    """Return the duration that a function got, which takes one or else the keywords of `datetime.timedelta`.

    Raises TypeError if there is neither, or both, ValueError for what is no duration. It may be negative.
    """
    if (duration is None) == (not keywords):
        raise TypeError('a duration is given once: as in ("5 min"), (300), (timedelta(minutes=5)) or (minutes=5)')
    if duration is not None:
        return as_timedelta(duration, negative=True)
    for name, value in keywords.items():
        if isinstance(value, bool) or _is_nan(value) or abs(value) == math.inf:
            raise ValueError(f"a duration cannot have {name}={value!r}; give a number")
    try:
        return as_timedelta(timedelta(**keywords), negative=True)
    except OverflowError:
        raise ValueError(f"a duration is at most a century, not {keywords}") from None


def _is_nan(number: float) -> bool:
    return number != number  # math.isnan raises OverflowError for an integer with hundreds of digits


def _seconds(duration: object) -> float:
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    if isinstance(duration, int | float) and not isinstance(duration, bool) and not _is_nan(duration):
        return duration
    match = _TEXT.fullmatch(duration.lower()) if isinstance(duration, str) else None
    if match is None or match[2] not in _SECONDS:
        raise ValueError(
            "a duration is a timedelta, a number of seconds, or text such as '5 min', '90 s' or '24 hours', "
            f"not {duration!r}"
        )
    return float(match[1]) * _SECONDS[match[2]]
