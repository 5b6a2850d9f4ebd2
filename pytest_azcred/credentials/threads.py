"""Calls that run on a thread of their own."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

Result = TypeVar("Result")


def start(call: Callable[[], Result], name: str) -> Future[Result]:
    """Begin a call on a new thread, with the context variables of this one.

    The thread does not keep the interpreter from ending.

    :param name: the thread's name, for a person who looks at the threads of a process.
    :return: its outcome, which nothing but the call itself decides: it cannot be cancelled.
    """
    outcome: Future[Result] = Future()
    outcome.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result = context.run(call)
        except BaseException as error:  # handed to whoever waits
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return outcome


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Run a call and wait for it, but not longer than this.

    The timeouts of an HTTP client start anew with each byte, so a server that trickles can hold a client for ever.
    The thread is left to itself when time is up: give the call timeouts that make it end.

    :raises TimeoutError: the call has not ended yet.
    :raises BaseException: what the call raised.
    """
    outcome = start(call, "azcred-deadline")
    try:
        return outcome.result(seconds)
    except FutureTimeoutError:
        if outcome.done():
            raise  # the call's own
        raise TimeoutError(f"no answer within {seconds:g} s") from None
