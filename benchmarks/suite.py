"""A suite of a thousand tests, each of which puts its app into an environment: what they cost, and what they keep."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import figure, heading, milliseconds

_TESTS = """
import pytest
from azure.identity import DefaultAzureCredential

@pytest.mark.parametrize("number", range(COUNT))
@pytest.mark.azcred("kubernetes", "virtual-machine", "app-service", "on-premises-secret", "developer-azure-cli")
def test_place(azcred, number):
    pass

@pytest.mark.parametrize("number", range(5 * COUNT))
def test_nothing(number):
    pass

@pytest.mark.parametrize("number", range(COUNT))
@pytest.mark.azcred("kubernetes", "virtual-machine", "app-service", "on-premises-secret", "nothing")
def test_token(azcred, number):
    if azcred.place.environment.provider:
        with DefaultAzureCredential() as credential:
            credential.get_token("https://vault.azure.net/.default")
        azcred.journal.assert_tokens(times=1)
"""
# Notes what each test costs beside its own body, and how much memory the process holds.
_CONFTEST = """
import json, os, resource, time
import pytest

SPENT, BUSY, MEMORY = {}, [], []

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20

def pytest_runtest_logreport(report):
    if report.when != "call":
        SPENT[report.nodeid] = SPENT.get(report.nodeid, 0) + report.duration
    if report.when == "teardown" and os.path.exists("/proc/self/statm"):
        MEMORY.append(resident())

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    started = time.process_time()
    result = yield
    BUSY.append(time.process_time() - started)
    return result

def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        with open("spent.json", "w") as file:
            json.dump({"spent": list(SPENT.values()), "busy": BUSY, "memory": MEMORY}, file)
"""


def run(*, short: bool) -> None:
    """Run the suite in one process for the cost of each test, and with two workers for the whole."""
    heading("a suite: five environments, a test in each")
    total = 20 if short else 1000
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_suite.py").write_text(_TESTS.replace("COUNT", str(total // 5)))
        (Path(folder) / "conftest.py").write_text(_CONFTEST)
        empty, place = (_measured(folder, "-k", name) for name in ("test_nothing", "test_place"))
        figure(
            "set-up and end of a test that uses an environment, median",
            milliseconds(statistics.median(place["spent"])),
            "at most 3 ms on an idle machine",
        )
        busy, without = (statistics.median(one["busy"]) for one in (place, empty))
        figure("  processor time of the whole test", milliseconds(busy), f"{milliseconds(without)} if it is empty")
        token = _measured(folder, "-k", "test_token")
        figure(f"{total} tests that ask azure-identity for a token, one process", f"{token['seconds']:.1f} s")
        if token["memory"]:
            grown, usual = (_growth(one["memory"]) for one in (token, empty))
            figure("  memory that the last nine tenths add", f"{grown:.1f} MiB", f"{usual:.1f} MiB if they are empty")
        seconds = _pytest(folder, "-k", "test_token", "-n", "2")
        figure(f"{total} such tests with pytest -n 2", f"{seconds:.1f} s", "at most 60 s for 1000")


def _measured(folder: str, *options: str) -> dict[str, Any]:
    seconds = _pytest(folder, *options)
    noted: dict[str, Any] = json.loads((Path(folder) / "spent.json").read_text())
    return {**noted, "seconds": seconds}


def _growth(memory: Sequence[float]) -> float:
    return memory[-1] - memory[len(memory) // 10]


def _pytest(folder: str, *options: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *options]
    started = time.perf_counter()
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(result.stdout)
    return time.perf_counter() - started
