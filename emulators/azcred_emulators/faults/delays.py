"""Answers that are late, all at once or bit by bit, or never come. The seconds are of real time: keep them few.

`Slow` and `Hang` befall the calls of executables, too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from azcred_emulators.emulation.fault import Exchange, Fault, in_pieces
from azcred_emulators.serving.connection import Disconnect

if TYPE_CHECKING:
    from azcred_emulators.executables.executable import Result

_LONG = 3600.0  # seconds that a call hangs if nobody ends it


@dataclass(frozen=True, slots=True, repr=False)
class Slow(Fault):
    """The genuine answer, some seconds late."""

    seconds: float

    def befall(self, exchange: Exchange) -> Response:
        """Wait, then answer."""
        exchange.wait(self.seconds)
        return exchange.answer()

    def befall_call(self, run: "Callable[[], Result]") -> "Result":
        """Make the call, and let the launcher wait before it prints."""
        result = run()
        return replace(result, delay=result.delay + self.seconds)


@dataclass(frozen=True, slots=True, repr=False)
class Drip(Fault):
    """The genuine answer in pieces, so that its body takes some seconds although something always comes."""

    seconds: float
    pieces: int = 10

    def __post_init__(self) -> None:
        if self.pieces < 2:
            raise ValueError(f"a body comes in at least 2 pieces, not {self.pieces}")

    def befall(self, exchange: Exchange) -> Response:
        """Answer at once, with the first piece."""

        def drip(body: bytes) -> Iterator[bytes]:
            size = -(-len(body) // self.pieces) or 1
            for start in range(0, len(body), size):
                if start:
                    exchange.wait(self.seconds / (self.pieces - 1))
                yield body[start : start + size]

        return in_pieces(exchange.answer(), drip)


@dataclass(frozen=True, slots=True, repr=False)
class Hang(Fault):
    """Silence, then a closed connection: after some seconds, None for when the test ends.

    With `in_body` it begins in the middle of the genuine answer's body. An executable prints nothing until its caller
    kills it, or these seconds have passed.
    """

    seconds: float | None = None
    in_body: bool = False

    def befall(self, exchange: Exchange) -> Response:
        """Say nothing, or nothing more after half of the body."""
        if not self.in_body:
            exchange.wait(self.seconds)
            raise Disconnect

        def half(body: bytes) -> Iterator[bytes]:
            yield body[: len(body) // 2]
            exchange.wait(self.seconds)
            raise Disconnect

        return in_pieces(exchange.answer(), half)

    def befall_call(self, run: "Callable[[], Result]") -> "Result":
        """Make the call, and have nothing printed."""
        delay = _LONG if self.seconds is None else self.seconds
        return replace(run(), stdout="", stderr="", exit_code=1, delay=delay)
