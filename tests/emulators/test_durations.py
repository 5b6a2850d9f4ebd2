"""Durations in each form that users write them in."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from azcred_emulators.clock import Clock
from azcred_emulators.directory import ConditionalAccessPolicy, Tenant, TokenTimes
from azcred_emulators.durations import as_timedelta, in_seconds


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (timedelta(minutes=5), 300),
        (300, 300),
        (0.25, 0.25),
        ("5 min", 300),
        ("90 s", 90),
        ("240s", 240),
        ("2 Hours", 7200),
        ("1.5 h", 5400),
        ("1 day", 86400),
        ("2 weeks", 1209600),
        ("20 ms", 0.02),
        ("0 seconds", 0),
    ],
)
def test_forms_of_a_duration(duration: Any, seconds: float) -> None:
    """A timedelta, a number of seconds, or text with a unit."""
    assert as_timedelta(duration) == timedelta(seconds=seconds)
    assert in_seconds(duration) == seconds


@pytest.mark.parametrize("duration", ["-5 min", -300, timedelta(minutes=-5)], ids=str)
def test_a_negative_duration(duration: Any) -> None:
    """It is an error, except where it has a meaning, as for the difference between two clocks."""
    assert as_timedelta(duration, negative=True) == timedelta(minutes=-5)
    with pytest.raises(ValueError, match="cannot be negative"):
        as_timedelta(duration)


@pytest.mark.parametrize("duration", ["soon", "5", "5 parsecs", "", "nan s", True, None, float("nan"), b"5 min", [5]])
def test_what_is_no_duration(duration: Any) -> None:
    """The message names the value and the forms there are."""
    with pytest.raises(ValueError, match=r"a duration is .* '5 min', '90 s' or '24 hours', not ") as error:
        as_timedelta(duration)
    assert str(error.value).endswith(repr(duration))


@pytest.mark.parametrize(
    "duration", [float("inf"), 10**400, "200000 weeks", timedelta.max], ids=["inf", "int", "text", "max"]
)
def test_a_duration_that_leaves_the_calendar(duration: Any) -> None:
    """More than a century."""
    with pytest.raises(ValueError, match="a duration is at most a century, not "):
        as_timedelta(duration)


def test_the_clock_takes_each_form() -> None:
    """And the keywords of timedelta."""
    clock = Clock()
    start = clock.now()
    clock.advance("1 hour")
    clock.advance(3600)
    clock.advance(timedelta(hours=1))
    clock.advance(minutes=30, seconds=1800)
    assert clock.now() - start == pytest.approx(4 * 3600, abs=60)


def test_the_clock_is_moved_once_at_a_time() -> None:
    """Neither by nothing nor by two durations, nor by what is no number."""
    clock = Clock()
    with pytest.raises(TypeError, match="a duration is given once"):
        clock.advance()
    with pytest.raises(TypeError, match="a duration is given once"):
        clock.advance(5, minutes=5)
    for number in (float("nan"), float("inf"), True):
        with pytest.raises(ValueError, match=f"a duration cannot have hours={number}; give a number"):
            clock.advance(hours=number)
    with pytest.raises(ValueError, match="at most a century"):
        clock.advance(days=1e12)


def test_durations_of_entities() -> None:
    """They become timedeltas, so that entities with the same duration are equal."""
    assert TokenTimes(lifetime="8 hours", clock_skew="-2 min") == TokenTimes(lifetime=28800, clock_skew=-120)
    assert Tenant("1", remember_mfa="1 day").remember_mfa == timedelta(days=1)
    policy = ConditionalAccessPolicy(name="hourly", tenant_id="1", sign_in_frequency="1 hour")
    assert policy.sign_in_frequency == timedelta(hours=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TokenTimes(lifetime="forever"), "lifetime: a duration is .*, not 'forever'"),
        (lambda: TokenTimes(lifetime=0), "`lifetime` must be more than 0 seconds"),
        (lambda: TokenTimes(refresh_in=-1), "refresh_in: this duration cannot be negative, as -1 is"),
        (lambda: Tenant("1", remember_mfa=float("nan")), "remember_mfa: a duration is .*, not nan"),
    ],
)
def test_durations_that_an_entity_cannot_have(make: Callable[[], object], message: str) -> None:
    """The message names the field."""
    with pytest.raises(ValueError, match=message):
        make()
