"""What a credential asked others while it looked for a token, for whoever wants it explained."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to a service, or a call of a developer's tool.

    :param request: the method, host and path, without the query; or the command without what it was given.
    :param outcome: the status of the answer, the exit code, or why there was none.
    :param elapsed: how long it took, in seconds.
    """

    request: str
    outcome: str
    elapsed: float


@dataclass(slots=True)
class Pending:
    """A request that is under way; say what came of it."""

    outcome: str = ""


@dataclass(slots=True)
class Trace:
    """The exchanges so far."""

    exchanges: list[Exchange] = field(default_factory=list)


_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def recording() -> Iterator[Trace]:
    """Record what is asked within this, on this thread and on those that it starts."""
    trace = Trace()
    reset = _trace.set(trace)
    try:
        yield trace
    finally:
        _trace.reset(reset)


@contextmanager
def exchange(request: str) -> Iterator[Pending]:
    """Ask within this. If it raises, the outcome is the name of the error, unless it was said before."""
    pending, started = Pending(), time.monotonic()
    try:
        yield pending
    except BaseException as error:
        pending.outcome = pending.outcome or type(error).__name__
        raise
    finally:
        trace = _trace.get()
        if trace is not None:
            trace.exchanges.append(Exchange(request, pending.outcome, time.monotonic() - started))
