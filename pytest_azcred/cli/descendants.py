"""The processes that a command leaves behind in the background: they must not outlive the emulators.

On Linux this process adopts them, in whatever session they have hidden, and finds them among its children (prctl(2),
PR_SET_CHILD_SUBREAPER). Elsewhere only those in the command's own process group are found.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
_PATIENCE = 2.0  # seconds from SIGTERM to SIGKILL
_PAUSE = 0.01


class Descendants:
    """What a command that is started from now on leaves behind. The children that this process has already stay."""

    def __init__(self) -> None:
        self._adopts = sys.platform == "linux" and _adopt()
        self._own = set(_children())

    def reap(self, command: int) -> None:
        """Let the system forget those that have ended; the command itself, a process id, is waited for elsewhere."""
        with suppress(ChildProcessError):
            while self._adopts and (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
                if ended.si_pid == command or ended.si_pid in self._own:
                    return
                os.waitpid(ended.si_pid, 0)

    def end(self, group: int | None) -> None:
        """End all that are left when the command has ended, and everybody in its process group if it had its own."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            told: set[int] = set()
            deadline = time.monotonic() + _PATIENCE
            while (left := set(self._left(group))) and time.monotonic() < deadline:
                for process in left - told:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(process, number)
                told |= left
                for process in left:
                    with suppress(ChildProcessError):
                        os.waitpid(process, os.WNOHANG)
                time.sleep(_PAUSE)
            if not left:
                return

    def _left(self, group: int | None) -> Iterator[int]:
        """Yield the ids of processes that are left, and that of the group, negative as kill(2) wants it."""
        if group is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(-group, 0)
                yield -group
        if self._adopts:
            yield from _children() - self._own


def _adopt() -> bool:
    """Become the parent of all orphans among this process's descendants; returns whether they can be found then."""
    import ctypes

    adopted: int = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return adopted == 0 and os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _children() -> set[int]:
    """Return the children of this process, of whichever of its threads."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found.update(map(int, file.read_text().split()))
    return found
