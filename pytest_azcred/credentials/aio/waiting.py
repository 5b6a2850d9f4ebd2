"""Waits for a thread from asyncio and from trio, without blocking either."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def outcome(of: Future[Result]) -> Result:
    """The result of what runs on a thread.

    A waiting task that is cancelled leaves it alone, so that others can wait for it too.

    :raises BaseException: what it raised.
    """
    if not of.done():
        wake, woken = _trio_event() if _in_trio() else _asyncio_event()

        def done(_: object) -> None:
            with suppress(RuntimeError):  # the event loop has ended in the meantime
                wake()

        of.add_done_callback(done)
        await woken()
    return of.result()


def _in_trio() -> bool:
    if "trio" not in sys.modules:
        return False
    from trio.lowlevel import current_task

    try:
        current_task()
    except RuntimeError:
        return False
    return True


def _trio_event() -> tuple[Callable[[], object], Callable[[], Awaitable[object]]]:
    import trio

    event, token = trio.Event(), trio.lowlevel.current_trio_token()
    return lambda: token.run_sync_soon(event.set), event.wait


def _asyncio_event() -> tuple[Callable[[], object], Callable[[], Awaitable[object]]]:
    import asyncio

    event, loop = asyncio.Event(), asyncio.get_running_loop()
    return lambda: loop.call_soon_threadsafe(event.set), event.wait
