"""What every fault is, and what a fault of a request has to work with."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from inspect import isabstract
from typing import Any, ClassVar, Protocol

from werkzeug.wrappers import Response

from azcred_emulators.emulation.refusals import NamedRefusals
from azcred_emulators.emulation.request import Request
from azcred_emulators.serving.connection import Disconnect


class FaultTarget(Protocol):
    """What a fault asks the emulator for that it is added to."""

    @property
    def name(self) -> str:
        """The emulator's name."""

    @property
    def named_refusals(self) -> NamedRefusals | None:
        """The refusals that the emulator has a shape for."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that a fault applies to.

    `emulator` is where it was sent. `answer` makes the normal answer, with all that this entails; a fault that does
    not call it leaves a code or refresh token unused. `mint` signs claims like the emulators' own. `now` is epoch
    seconds by the virtual clock.
    """

    request: Request
    emulator: FaultTarget
    answer: Callable[[], Response]
    mint: Callable[[Mapping[str, object]], str]
    now: float
    cancelled: threading.Event

    def wait(self, seconds: float | None) -> None:
        """Let real time pass, None for until the test ends; raises Disconnect when it does."""
        if self.cancelled.wait(seconds):
            raise Disconnect


class Fault:
    """A scripted deviation. Kinds are frozen dataclasses, whose fields can be JSON.

    `outcome` is what a request or command with such a fault counts as in the report on coverage: one of the outcomes
    of `pytest_azcred.coverage`, None if the answer tells.
    """

    __slots__ = ()
    outcome: ClassVar[str | None] = None

    @classmethod
    def outcome_with(cls, status: int | None) -> str | None:
        """Return the outcome of a request that was answered with this status, None for no answer."""
        return cls.outcome

    def __repr__(self) -> str:
        """Return the fault as it is written in Python: the first field by position, default values left out."""
        kind: Any = self
        changed = [
            (number, field.name)
            for number, field in enumerate(fields(kind))
            if getattr(self, field.name) != _default(field)
        ]
        arguments = [
            f"{name}={getattr(self, name)!r}" if number else repr(getattr(self, name)) for number, name in changed
        ]
        return f"{type(self).__name__}({', '.join(arguments)})"


class RequestFault(Fault, ABC):
    """A fault of a request to an emulator."""

    __slots__ = ()

    def check(self, emulator: FaultTarget) -> None:  # most faults can happen anywhere
        """Raise TypeError if the fault cannot happen at this emulator."""

    @abstractmethod
    def apply(self, exchange: Exchange) -> Response:
        """Return the answer in place of the normal one; raises Disconnect for no answer."""


def kinds(base: type[Fault]) -> list[str]:
    """Return the names of the loaded kinds of faults that are kinds of this one, a test's own included."""
    names = {name for kind in base.__subclasses__() for name in kinds(kind)}
    return sorted(names if isabstract(base) or base is Fault else {*names, base.__name__})


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def in_pieces(response: Response, pieces: Callable[[bytes], Iterator[bytes]]) -> Response:
    """Return a response whose body is sent as `pieces` yields it, and whose headers announce the whole."""
    body = response.get_data()
    response.headers["Content-Length"] = str(len(body))
    response.response = pieces(body)
    return response
