"""A server with 500 half-open and slow connections, beside itself without them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import figure, heading, milliseconds

ROOT = Path(__file__).parents[1]
_ADDRESS = "10.9.8.7"  # of a network of its own
_NAMESPACE = ["unshare", "--user", "--map-root-user", "--net"]


def run(*, short: bool) -> None:
    """Ask it over a new connection each time, in plain and in TLS in turn, from the same process."""
    heading("connections: answers to others while 500 connections are half-open or slow")
    program = f"ip link set lo up && ip address add {_ADDRESS}/32 dev lo && exec '{sys.executable}' -m "
    command = [*_NAMESPACE, "sh", "-c", f"{program} benchmarks.slow_clients {_ADDRESS} {0.5 if short else 5}"]
    if not shutil.which("unshare"):
        figure("answers", "-", "needs unshare")
        return
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        figure("answers", "-", f"this system allows no network namespace: {ran.stderr.strip()}")
        return
    figures = json.loads(ran.stdout)
    before, during, after = (figures[phase] for phase in ("before", "during", "after"))
    figure("answers while they are there, to those without them", f"{during['rate'] / before['rate']:.2f}", "above 0.5")
    figure("answers afterwards, to those before", f"{after['rate'] / before['rate']:.2f}", "about 1")
    figure("the slowest while they are there", milliseconds(during["slowest"]), milliseconds(before["slowest"]))
    figure("threads of the process", str(during["threads"]), f"{before['threads']} before, {after['threads']} after")
    descriptors = f"{before['descriptors']} before, {after['descriptors']} after; two for each connection"
    figure("its descriptors", str(during["descriptors"]), descriptors)
