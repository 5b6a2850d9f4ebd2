"""The process before and after 200 set-ups: nothing is left of any of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_two_hundred_cycles() -> None:
    """Every environment, composed with another, with tokens fetched, the clock moved, failures and interruptions.

    Functions, variables, threads, open files, import hooks, signal handlers and the run's folder are compared.
    """
    program = Path(__file__).parents[1] / "support" / "cycles.py"
    result = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=110, check=False)
    assert result.stdout == "as before\n", result.stdout + result.stderr


def test_the_run_leaves_no_folder() -> None:
    """When the process ends, so does its private folder."""
    program = "import pytest_azcred\nwith pytest_azcred.environment('kubernetes') as a: print(a._emulators.folder)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not Path(result.stdout.strip()).exists()
