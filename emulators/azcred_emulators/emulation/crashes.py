"""The crashes of emulators: defects of their own, or of a host, a fault or a directory that a test has made."""

import sys
import threading
import traceback

from azcred_emulators.emulation.checkpoint import Undo


class EmulatorCrash(Exception):
    """An emulator that could not answer a request; the text has the traceback."""


class Crashes:
    """Every crash since the last `clear`. Each is written to standard error as well, for runs without a test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reports: list[str] = []

    def record(self, emulator: str, request: str, error: Exception) -> None:
        """Keep the traceback of what an emulator has raised while it answered a request."""
        lines = "".join(traceback.format_exception(error)).rstrip()
        report = f"azcred: the emulator {emulator!r} crashed while it answered {request}:\n{lines}"
        with self._lock:
            self._reports.append(report)
        print(report, file=sys.stderr, flush=True)

    @property
    def reports(self) -> list[str]:
        """A text for each crash, with its traceback."""
        with self._lock:
            return list(self._reports)

    def check(self) -> None:
        """Raise EmulatorCrash if there was one."""
        if reports := self.reports:
            raise EmulatorCrash("\n\n".join(reports))

    def checkpoint(self) -> Undo:
        """Begin anew; returns the function that brings back what was recorded before."""
        with self._lock:
            earlier, self._reports = self._reports, []

        def undo() -> None:
            with self._lock:
                self._reports = earlier

        return undo

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._reports.clear()
