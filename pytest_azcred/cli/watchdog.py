"""Cleans up after a process that was killed: a second process watches the first and deletes its files.

The watching process runs this file as a script, isolated and without site-packages, so only the standard library is
imported. It learns of the other's end by the end of its own standard input, which no kind of death can prevent.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_DONE = b"done"


class Watchdog:
    """Deletes a folder and files, and ends a child with its process group, when this process is killed.

    `folder` must be one that this process has made for itself: it is deleted with everything in it.
    """

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # the interpreter that runs this, with arguments of our own
            [sys.executable, "-I", "-S", __file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # else what kills this process's group would kill the watchdog first
        )

    def guard(self, child: int, *, group: bool) -> None:
        """Name the child process to end, and whether its process group is to end with it."""
        self._send(f"{'group' if group else 'process'} {child}\n".encode())

    def guard_file(self, file: Path) -> None:
        """Name a file to delete, which this process is about to write; a folder of that name is never deleted."""
        self._send(f"file {os.fsencode(file.absolute()).hex()}\n".encode())

    def dismiss(self) -> None:
        """Say that this process deletes its files itself, and wait for the end of the other."""
        self._send(_DONE)
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _send(self, text: bytes) -> None:
        if self._process.stdin:
            with contextlib.suppress(OSError):  # the watchdog was killed; the command goes on without one
                self._process.stdin.write(text)
                self._process.stdin.flush()


def watch(folder: str) -> None:
    """Wait for the end of the process that started this one, and clean up unless that process has done so itself."""
    message = b""
    while piece := os.read(0, 4096):
        message += piece
    if message.endswith(_DONE):
        return
    for line in message.decode().splitlines():
        kind, _, value = line.partition(" ")
        with contextlib.suppress(OSError):
            if kind == "file":
                os.unlink(bytes.fromhex(value))  # unlike a removal of trees, it fails for a folder
            else:
                (os.killpg if kind == "group" else os.kill)(int(value), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.argv[1])
