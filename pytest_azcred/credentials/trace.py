"""Who asks a credential, and what it asks others meanwhile, for explanations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal


class Caller(Enum):
    """Who asks a credential for a token."""

    APP = "app"
    CHAIN = "chain"
    """Other credentials wait for their turn: one that is not there must find out quickly."""
    DEFAULT_CHAIN = "default chain"
    """Likewise; and nobody chose the credential, so a developer's tool that fails counts as unavailable."""


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
    """How a chain asks one of its credentials, and what comes of it.

    :param credential: the credential.
    :param asked_by: who asks it.
    :param exchanges: what it has asked others so far.
    :param elapsed: how long it took, in seconds.
    :param problem: whether it is unavailable or has failed; None if it gave a token.
    :param reason: why it gave none, in its own words.
    :param explanation: its own, if it is a chain as well.
    """

    credential: object
    asked_by: Caller
    exchanges: list[Exchange] = field(default_factory=list)
    elapsed: float = 0.0
    problem: Literal["unavailable", "failed"] | None = None
    reason: str = ""
    explanation: object = None

    def note(self, error: Exception, problem: Literal["unavailable", "failed"]) -> None:
        """Note what is to be told of an error. The error itself would keep the frames alive that it went through."""
        self.problem = problem
        self.reason = str(error) if problem == "failed" else getattr(error, "message", str(error))
        self.explanation = getattr(error, "explanation", None)


TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""The trace of the credential that a chain asks now, on this thread and on those that it starts.

A request for a token says itself who asks. This is for what no request reaches: the HTTP client, which msal calls,
and a credential of ours behind one that is not.
"""


def current_caller() -> Caller:
    """Who asks, as far as this thread knows."""
    trace = TRACE.get()
    return trace.asked_by if trace is not None else Caller.APP


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
        trace = TRACE.get()
        if trace is not None:
            trace.exchanges.append(Exchange(request, pending.outcome, time.monotonic() - started))
