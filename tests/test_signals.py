"""A signal is waited for wherever it meets the program."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import random
import signal
from pytest_azcred.signals import on_signals

wait_for_signal = on_signals("SIGALRM", "SIGNOTHERE")
for _ in range(5000):
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 6e-5))
    wait_for_signal()
print("all seen")
"""


def test_a_signal_at_any_moment_is_seen() -> None:
    """Just before the wait, within it, and long before it."""
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "all seen\n"
