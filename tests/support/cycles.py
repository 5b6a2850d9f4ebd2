"""Sets environments up 200 times in one process and compares it before and after; run by test_cycles.py."""

from __future__ import annotations

import gc
import io
import os
import signal
import socket
import ssl
import sys
import threading
import time
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Any

import azure.identity
from azure.core.exceptions import ClientAuthenticationError

import pytest_azcred
from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.run import present_run

NAMES = sorted(ENVIRONMENTS)
PATH_FUNCTIONS = ("access", "listdir", "lstat", "open", "scandir", "stat")
OWNERS = (socket, socket.socket, ssl.SSLContext, webbrowser)
SUPPORTING = (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks)


def state() -> dict[str, Any]:
    """Return what environments change in the process."""
    gc.collect()
    return {
        "open": (open, io.open),
        "functions of os": [getattr(os, name) for name in PATH_FUNCTIONS],
        "attributes": [{name: value for name, value in vars(owner).items() if callable(value)} for owner in OWNERS],
        "what takes descriptors": [frozenset(functions) for functions in SUPPORTING],
        "import hooks": (list(sys.meta_path), list(sys.path)),
        "variables": dict(os.environ),
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
    }


def open_files() -> int:
    """Return how many files and sockets are open."""
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0


def open_files_soon(count: int) -> int:
    """Return how many are open once the server has closed the connections of clients that have gone."""
    deadline = time.monotonic() + 20
    while open_files() > count and time.monotonic() < deadline:
        time.sleep(0.01)
    return open_files()


def running() -> list[str]:
    """Return the names of the threads that there are, without the servers' workers: these come with the requests."""
    return sorted(thread.name for thread in threading.enumerate() if thread.name != "azcred-worker")


def written() -> set[Path]:
    """Return the files in the run's folder."""
    return {path for path in present_run().emulators.folder.rglob("*") if path.is_file()}


def cycle(number: int, *, moves_clock: bool = False) -> None:
    """Set up two environments; sometimes get a token or move the clock, and fail or be interrupted."""
    first, second = NAMES[number % len(NAMES)], NAMES[number * 7 % len(NAMES)]
    try:
        with pytest_azcred.environment(first) as azcred, azcred.environment(second):
            if moves_clock:
                azcred.clock.advance(hours=1)
            if number % 5 == 0:
                with suppress(ClientAuthenticationError), azure.identity.DefaultAzureCredential() as credential:
                    credential.get_token("https://vault.azure.net/.default")
                assert azcred.journal.requests() or "nothing" in (first, second)
            if number % 3 == 0:
                raise KeyboardInterrupt if number % 2 else RuntimeError
    except (KeyboardInterrupt, RuntimeError):
        return


def main() -> None:
    """Compare; raises AssertionError for what is not as it was."""
    for number in range(len(NAMES)):  # whatever is loaded or made once
        cycle(number, moves_clock=number == 0)
    before, threads, opened, files = state(), running(), open_files(), written()
    for number in range(200):
        cycle(number, moves_clock=number % 40 == 0)
    after = state()
    for key, value in before.items():
        assert after[key] == value, key
    assert running() == threads
    assert open_files_soon(opened) <= opened
    assert written() == files
    print("as before")


if __name__ == "__main__":
    main()
