"""A server under load from another process: 64 connections that are kept, and fresh tokens only.

For a few seconds as a test; `make load` takes a minute.
"""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support.standalone import serving

from azcred_emulators.directory.identifiers import SERVICE_PRINCIPAL_CLIENT_ID
from azcred_emulators.standalone.control.client import ControlClient

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SECONDS = float(os.environ.get("AZCRED_LOAD_SECONDS", "3"))
CONNECTIONS = 64


def load(url: str, seconds: float, body: Path) -> float:
    """Return requests a second; fails if one was not answered with a token."""
    host, _, port = url.rpartition("//")[2].partition(":")
    words = [host, port, "1", str(CONNECTIONS), f"{seconds}s", "POST", "/contoso.com/oauth2/v2.0/token", str(body)]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return float(ran.stdout.split()[0])


def memory(process: int) -> float:
    """Return how much memory a process has, in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's memory")
@pytest.mark.timeout(300)
def test_no_error_and_no_growth(tmp_path: Path) -> None:
    """Once the journal is full, memory stays as it is; until then, it grows by no more than the journal."""
    with serving(tmp_path / "ready.json") as (process, where):
        client = ControlClient(where["http"])
        secrets = {one["client_id"]: one["secrets"] for one in client.get("/directory")["applications"]}
        form = {
            "grant_type": "client_credentials",
            "client_id": SERVICE_PRINCIPAL_CLIENT_ID,
            "client_secret": secrets[SERVICE_PRINCIPAL_CLIENT_ID][0]["value"],
            "scope": "https://vault.azure.net/.default",
        }
        body = tmp_path / "body"
        body.write_text(urlencode(form))
        load(where["https"], SECONDS / 3, body)
        full = client.get("/health")["requests"] > 11_000
        before = memory(process.pid)
        rate = load(where["https"], SECONDS, body)
        grown = memory(process.pid) - before
        entries = client.get("/journal")["entries"]
    print(f"{rate:.0f} tokens a second over {CONNECTIONS} connections for {SECONDS:.0f} s, {grown:+.1f} MiB")
    assert {entry["status"] for entry in entries} == {200}
    assert grown < (10 if full else 100)
