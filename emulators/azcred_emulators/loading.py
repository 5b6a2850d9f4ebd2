"""Imports what the emulators need while those who have started them go on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Loaded = TypeVar("Loaded")


def import_shared() -> None:
    """Import, on this thread, what an app may be importing as well while ours are loaded on another.

    These packages' modules import each other, and two threads that begin at different ends see them half done.
    """
    import jwt  # noqa: F401
    import werkzeug.exceptions
    import werkzeug.routing
    import werkzeug.wrappers  # noqa: F401


def in_background(load: Callable[[], Loaded]) -> Future[Loaded]:
    """Run a function once on a thread of its own, which ends with it."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="azcred-load")
    try:
        return executor.submit(load)
    finally:
        executor.shutdown(wait=False)
