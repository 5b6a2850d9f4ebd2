"""Gives up on a call after a time, whatever it is waiting for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Run a call in a thread of its own and wait for it, but not longer than this.

    The timeouts of an HTTP client start anew with each byte, so a server that trickles can hold a client for ever.
    The thread is left to itself when time is up: give the call timeouts that make it end.

    :raises TimeoutError: the call has not ended yet.
    :raises BaseException: what the call raised.
    """
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # handed to the thread that waits
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="azcred-deadline", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {seconds:g} s")
    return outcome.result()
