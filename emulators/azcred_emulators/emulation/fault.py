"""What every fault of an emulator is: a function from a request and its genuine answer to what is answered instead."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from azcred_emulators.serving.connection import Disconnect

if TYPE_CHECKING:
    from azcred_emulators.emulation.emulator import Request


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that a fault befalls.

    `answer` makes the genuine answer, with all that this entails; a fault that does not call it leaves a code or
    refresh token unspent. `mint` signs claims like the emulators' own. `now` is epoch seconds by the virtual clock.
    """

    request: "Request"
    answer: Callable[[], Response]
    mint: Callable[[Mapping[str, object]], str]
    now: float
    cancelled: threading.Event

    def wait(self, seconds: float | None) -> None:
        """Let real time pass, None for until the test ends; raises Disconnect when it does."""
        if self.cancelled.wait(seconds):
            raise Disconnect


class Fault(ABC):
    """A deviation from what an emulator would answer. Kinds are frozen dataclasses, whose fields can be JSON."""

    __slots__ = ()

    @abstractmethod
    def befall(self, exchange: Exchange) -> Response:
        """Return what is answered in the genuine answer's place; raises Disconnect for nothing."""

    def __repr__(self) -> str:
        """Return it as it is written: the first field by position, the others by name, what is as usual left out."""
        kind: Any = self
        given = [
            (number, one.name) for number, one in enumerate(fields(kind)) if getattr(self, one.name) != _usual(one)
        ]
        arguments = [
            f"{name}={getattr(self, name)!r}" if number else repr(getattr(self, name)) for number, name in given
        ]
        return f"{type(self).__name__}({', '.join(arguments)})"


def _usual(one: Field[Any]) -> object:
    return one.default if one.default_factory is MISSING else one.default_factory()


def in_pieces(response: Response, pieces: Callable[[bytes], Iterator[bytes]]) -> Response:
    """Return a response whose body is sent as `pieces` yields it, and whose headers announce the whole."""
    body = response.get_data()
    response.headers["Content-Length"] = str(len(body))
    response.response = pieces(body)
    return response
