"""Hundreds of half-open and slow connections from a network, while others want answers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
UNSHARE = ["unshare", "--user", "--map-root-user", "--net"]
SET_UP = "ip link set lo up && ip address add 10.9.8.7/32 dev lo && exec"


def namespace_refused() -> str:
    """Return why no network namespace can be had, "" if one can."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "unshare and ip are not here"
    ran = subprocess.run([*UNSHARE, "sh", "-c", f"{SET_UP} true"], capture_output=True, text=True, check=False)
    return f"this system allows no network namespace: {ran.stderr.strip()}" if ran.returncode else ""


def test_others_are_answered_all_the_time() -> None:
    """Threads stay few, and descriptors are back afterwards; the server listens on an address of a network."""
    if refused := namespace_refused():
        pytest.skip(refused)
    program = f"{SET_UP} '{sys.executable}' -m benchmarks.slow_clients 10.9.8.7 0.5"
    ran = subprocess.run(
        [*UNSHARE, "sh", "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    figures = json.loads(ran.stdout)
    before, during, after = (figures[phase] for phase in ("before", "during", "after"))
    assert during["rate"] > 0
    assert during["threads"] <= 2 * (1 + 8) + 2  # of two servers, with the clients' own
    assert during["descriptors"] >= before["descriptors"] + 2 * 400
    assert after["descriptors"] <= before["descriptors"] + 2
    assert after["threads"] <= during["threads"]
    assert figures["threads left"] == 0
