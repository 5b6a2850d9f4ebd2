"""Ordered scripts of what shall go wrong."""

import threading
from collections import deque
from typing import Generic, TypeVar

Fault = TypeVar("Fault")


class Faults(Generic[Fault]):
    """Faults that befall an emulator's next requests, one each, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script: deque[Fault] = deque()

    def add(self, *faults: Fault, times: int = 1) -> None:
        """Append faults to the script, the whole sequence `times` times.

        Raises ValueError if `times` is less than 1.
        """
        if times < 1:
            raise ValueError(f"a fault happens at least once, not {times} times")
        with self._lock:
            self._script.extend(faults * times)

    def take(self) -> Fault | None:
        """Return the fault that befalls the request at hand and cross it off; None if there is none left."""
        with self._lock:
            return self._script.popleft() if self._script else None

    @property
    def unspent(self) -> tuple[Fault, ...]:
        """The faults that have not happened yet."""
        with self._lock:
            return tuple(self._script)

    def clear(self) -> None:
        """Forget the script."""
        with self._lock:
            self._script.clear()
