"""The hosts to which this process and its children were refused a connection, whatever became of the error.

Only the light part of the standard library is imported here, as in `routing`, which child processes load.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class Refusals:
    """The record of refused hosts, in order; children write theirs to a file of a private folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "refusals"
        self._hosts: list[str] = []
        self._read = 0  # bytes of the file that are in the list

    def prepare(self) -> None:
        """Make the file for children."""
        self._file.touch(mode=0o600)

    def add(self, host: str, port: object = None) -> None:
        """Record that a connection or look-up was refused."""
        host = ascii(host)[1:-1]
        where = f"[{host}]" if ":" in host else host
        self._hosts.append(f"{where}:{port}" if port else where)

    def report(self, host: str, port: object = None) -> None:
        """Write to the file what a child was refused; the run that it belongs to may be over."""
        self.add(host, port)
        with suppress(OSError):
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, f"{self._hosts[-1]}\n".encode())
            finally:
                os.close(descriptor)

    def _written(self) -> bytes:
        """Return what the file has got since it was last read."""
        if self._file.stat().st_size == self._read:
            return b""
        with self._file.open("rb") as file:
            file.seek(self._read)
            return file.read()

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts, each with its port if one was named, as often as they were refused."""
        with suppress(FileNotFoundError):
            written = self._written()
            whole = written[: written.rfind(b"\n") + 1]
            self._hosts += whole.decode("ascii", "replace").splitlines()
            self._read += len(whole)
        return self._hosts
