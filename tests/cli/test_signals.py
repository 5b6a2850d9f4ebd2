"""A signal is taken wherever it meets the program."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import random
import signal
from pytest_azcred.cli.signals import Signals

signals = Signals("SIGALRM", "SIGNOTHERE")
for _ in range(5000):
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 6e-5))
    assert signals.next() == signal.SIGALRM
print("all seen")
"""
ELSEWHERE = """
import signal
import threading
from pytest_azcred.cli.signals import Signals

signals = Signals("SIGUSR1", "SIGUSR2")
signal.raise_signal(signal.SIGUSR2)
other = threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1))
other.start()
other.join()
signals.wake()
print([signals.next() for _ in range(3)] == [signal.SIGUSR2, signal.SIGUSR1, 0])
"""


def test_a_signal_at_any_moment_is_seen() -> None:
    """Just before the wait, within it, and long before it."""
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "all seen\n"


def test_each_is_kept_until_it_is_asked_for() -> None:
    """In order; another thread may receive it, or wake the one that waits."""
    result = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "True\n"
