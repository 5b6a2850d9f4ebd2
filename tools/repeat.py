"""Runs the suite again and again, each time in another random order, and ends at the first run that is not green.

    python tools/repeat.py                            # 50 runs of the whole suite by four workers
    python tools/repeat.py --runs 5 tests/emulators/faults      # what follows is for pytest

A test that fails once in many runs shows in no single one. pytest-randomly shuffles modules, classes and tests by the
seed that is printed. Which worker takes which test depends on how fast each of them is, so a seed repeats the order
but not the neighbours.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 50
WORKERS = 4


def test(seed: int, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the suite once, in the order of a seed; returns its exit status and all that it said."""
    return subprocess.run(
        [
            sys.executable,
            *("-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider"),
            *("-n", str(WORKERS), f"--randomly-seed={seed}"),
            *arguments,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> int:
    """Run the suite as often as asked; the exit status is 1 if a run was not green, or ran no test."""
    parser = argparse.ArgumentParser(
        description="Run the suite many times in random order, until a run is not green.",
        epilog="Every other argument is handed to pytest.",
    )
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"how many runs; by default {RUNS}")
    options, arguments = parser.parse_known_args()
    if options.runs < 1:
        parser.error(f"--runs must be 1 or more, not {options.runs}")
    seeds = random.SystemRandom().sample(range(2**32), options.runs)  # no two runs have the same one
    for number, seed in enumerate(seeds, 1):
        started = time.monotonic()
        run = test(seed, arguments)
        summary = run.stdout.rstrip().rpartition("\n")[2]
        seconds = time.monotonic() - started
        print(f"{number:>3} of {options.runs}  seed {seed:<10}  {seconds:5.0f} s  {summary}", flush=True)
        if run.returncode:
            print(f"{run.stdout}\nThis was run {number}; its order again: pytest -n {WORKERS} --randomly-seed={seed}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
