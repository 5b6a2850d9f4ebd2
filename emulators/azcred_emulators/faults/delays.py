"""Answers that are late, all at once or bit by bit, or never come. The time is real: keep it short.

`Slow` and `Hang` apply to the calls of executables as well.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from werkzeug.wrappers import Response

from azcred_emulators.durations import Duration, in_seconds
from azcred_emulators.emulation.command import CommandFault, CommandResult
from azcred_emulators.emulation.fault import Exchange, RequestFault, in_pieces
from azcred_emulators.serving.connection import Disconnect

_LONG = 3600.0  # seconds that a call hangs if nobody ends it


@dataclass(frozen=True, slots=True, repr=False)
class Slow(RequestFault, CommandFault):
    """The normal answer, but late.

    :param delay: how late: a timedelta, a text such as "2 s", or a number of seconds. The time is real.
    :raises ValueError: it is not a duration.
    """

    delay: Duration

    def __post_init__(self) -> None:
        in_seconds(self.delay)  # raises ValueError for what is no duration

    @classmethod
    def outcome_with(cls, status: int | None) -> str | None:
        """Return "timed out" if the client gave up before the answer."""
        return "timed out" if status is None else None

    def apply(self, exchange: Exchange) -> Response:
        """Wait, then answer."""
        exchange.wait(in_seconds(self.delay))
        return exchange.answer()

    def apply_to_command(self, run: Callable[[], CommandResult]) -> CommandResult:
        """Make the call, and let the launcher wait before it prints."""
        result = run()
        return replace(result, delay=result.delay + in_seconds(self.delay))


@dataclass(frozen=True, slots=True, repr=False)
class Drip(RequestFault):
    """The normal answer in pieces: data keeps coming, but the body takes a while.

    :param duration: how long: a timedelta, a text such as "2 s", or a number of seconds. The time is real.
    :param pieces: how many pieces.
    :raises ValueError: it is not a duration, or there are fewer than 2 pieces.
    """

    duration: Duration
    pieces: int = 10

    @classmethod
    def outcome_with(cls, status: int | None) -> str | None:
        """Return "timed out" if the client gave up before the answer."""
        return "timed out" if status is None else None

    def __post_init__(self) -> None:
        in_seconds(self.duration)  # raises ValueError for what is no duration
        if self.pieces < 2:
            raise ValueError(f"a body comes in at least 2 pieces, not {self.pieces}")

    def apply(self, exchange: Exchange) -> Response:
        """Answer at once, with the first piece."""

        def drip(body: bytes) -> Iterator[bytes]:
            size = -(-len(body) // self.pieces) or 1
            for start in range(0, len(body), size):
                if start:
                    exchange.wait(in_seconds(self.duration) / (self.pieces - 1))
                yield body[start : start + size]

        return in_pieces(exchange.answer(), drip)


@dataclass(frozen=True, slots=True, repr=False)
class Hang(RequestFault, CommandFault):
    """Silence, then a closed connection. An executable prints nothing until its caller kills it or the time is over.

    :param duration: how long: a timedelta, a text such as "2 s", or a number of seconds; None until the test ends. The
        time is real.
    :param in_body: True to start in the middle of the body.
    :raises ValueError: it is not a duration.
    """

    outcome: ClassVar[str | None] = "timed out"

    duration: Duration | None = None
    in_body: bool = False

    def __post_init__(self) -> None:
        if self.duration is not None:
            in_seconds(self.duration)  # raises ValueError for what is no duration

    @property
    def _seconds(self) -> float | None:
        return None if self.duration is None else in_seconds(self.duration)

    def apply(self, exchange: Exchange) -> Response:
        """Send nothing, or nothing more after half of the body."""
        if not self.in_body:
            exchange.wait(self._seconds)
            raise Disconnect

        def half(body: bytes) -> Iterator[bytes]:
            yield body[: len(body) // 2]
            exchange.wait(self._seconds)
            raise Disconnect

        return in_pieces(exchange.answer(), half)

    def apply_to_command(self, run: Callable[[], CommandResult]) -> CommandResult:
        """Make the call and print nothing."""
        delay = _LONG if self._seconds is None else self._seconds
        return replace(run(), stdout="", stderr="", exit_code=1, delay=delay)
