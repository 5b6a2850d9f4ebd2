"""Lets the waits between an SDK's retries pass on the virtual clock.

What is replaced is Python's: `time.sleep` and `asyncio.sleep`. Who calls them decides whether the wait is real.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType, TracebackType
from typing import Any

from pytest_azcred.redirect.patching import Patches

# Who waits between retries and polls: azure-core's retry policy, msal's device flow, and our own chain.
WAITING = ("azure.core", "azure.identity", "msal", "pytest_azcred.credentials")


class Waits:
    """The waits of some packages, which are skipped while this is active.

    `seconds` lists them. It ends with the `with` that it is used in, or with `stop`.
    """

    def __init__(self, pass_by: Callable[[float], None], packages: Sequence[str]) -> None:
        self._pass_by = pass_by
        self._packages = frozenset(packages)
        self._patches = Patches()
        self.seconds: list[float] = []

    def _start(self) -> None:
        self._patches.wrap(time, "sleep", self._sleep)
        self._patches.wrap(asyncio, "sleep", self._asyncio_sleep)

    def stop(self) -> None:
        """Let all waits take real time again."""
        self._patches.undo()

    def __enter__(self) -> "Waits":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self.stop()

    def _is_waiting(self, caller: FrameType) -> bool:
        name = str(caller.f_globals.get("__name__", ""))
        while name:
            if name in self._packages:
                return True
            name = name.rpartition(".")[0]
        return False

    def _skip(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._pass_by(seconds)

    def _sleep(self, original: Callable[[float], None]) -> Callable[[float], None]:
        def sleep(seconds: float, /) -> None:
            if seconds > 0 and self._is_waiting(sys._getframe(1)):
                self._skip(seconds)
            else:
                original(seconds)

        return sleep

    def _asyncio_sleep(
        self, original: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        def sleep(delay: float, result: Any = None) -> Coroutine[Any, Any, Any]:
            if delay > 0 and self._is_waiting(sys._getframe(1)):
                self._skip(delay)
                delay = 0  # others have their turn
            return original(delay, result)

        return sleep


def skip_waits(pass_by: Callable[[float], None], packages: Sequence[str] = WAITING) -> Waits:
    """Let the waits of these packages pass from now on; `pass_by` is called with the seconds of each."""
    waits = Waits(pass_by, packages)
    waits._start()
    return waits
