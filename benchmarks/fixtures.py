"""How long a test waits for its environment: the first of a run, and every later one."""

import statistics
import subprocess
import sys

from benchmarks.measure import figure, heading, milliseconds

# In a process of its own: the first environment pays for imports and keys.
_SCRIPT = """
import statistics, sys, time
import pytest  # as in any test run, it is there already

def cycle(name):
    started = time.perf_counter()
    context = isolated(emulators)
    session = context.__enter__()
    session.environment(name)
    ready = time.perf_counter() - started
    context.__exit__(None, None, None)
    return ready, time.perf_counter() - started - ready

started = time.perf_counter()
from azcred_emulators.emulators import Emulators
from pytest_azcred.run import isolated
emulators = Emulators()
emulators.start()
started_up = time.perf_counter() - started
first, _ = cycle(FIRST)
print("first", started_up + first)
started = time.perf_counter()
emulators.tokens.key
print("key", time.perf_counter() - started)
for name in ENVIRONMENTS:
    cycles = [cycle(name) for _ in range(TIMES)]
    print(name, statistics.median(ready for ready, _ in cycles))
    print(name + "-end", statistics.median(end for _, end in cycles))
started = time.perf_counter()
emulators.stop()
print("stop", time.perf_counter() - started)
"""


def run(*, short: bool) -> None:
    """Time environments as the fixtures set them up and take them down."""
    from azcred_emulators.environments import ENVIRONMENTS

    heading("fixtures: until the environment is ready")
    times, runs = (2, 1) if short else (200, 7)
    figures = _medians(_script("virtual-machine", list(ENVIRONMENTS), times), runs)
    figure("the first of a run, with imports and servers", milliseconds(figures["first"]), "at most 130 ms")
    figure("  then until its signing key is there, if asked at once", milliseconds(figures["key"]))
    kubernetes = _medians(_script("kubernetes", [], times), runs)
    figure("the first of a run, if it is kubernetes", milliseconds(kubernetes["first"]), "waits for the cluster's key")
    for name in ENVIRONMENTS:
        figure(f"each later one: {name}", milliseconds(figures[name]), "at most 3 ms")
        figure("  and its end", milliseconds(figures[f"{name}-end"]))
    figure("stopping both servers at the end of the run", milliseconds(figures["stop"]), "at most 5 ms a server")


def _script(first: str, environments: list[str], times: int) -> str:
    script = _SCRIPT.replace("FIRST", repr(first)).replace("TIMES", str(times))
    return script.replace("ENVIRONMENTS", repr(environments))


def _medians(script: str, runs: int) -> dict[str, float]:
    figures = [_figures(script) for _ in range(runs)]
    return {name: statistics.median(one[name] for one in figures) for name in figures[0]}


def _figures(script: str) -> dict[str, float]:
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in (line.split() for line in result.stdout.splitlines())}
