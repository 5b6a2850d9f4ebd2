"""The server as other processes use it: how soon it is ready, how many tokens it issues, and whether it stays small."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from azcred_emulators.directory.identifiers import SERVICE_PRINCIPAL_CLIENT_ID
from azcred_emulators.standalone.control.client import ControlClient
from benchmarks.measure import figure, heading, milliseconds

ROOT = Path(__file__).parents[1]
_OTHER = ROOT / "node_modules" / "oauth2-mock-server"
_SECONDS = 60
_CONNECTIONS = 64


def run(*, short: bool) -> None:
    """Compare with oauth2-mock-server, which issues the same kind of token: RS256, 2048 bits, not from a cache."""
    heading(f"standalone: azcred serve, and fresh tokens over {_CONNECTIONS} kept connections")
    seconds = 1 if short else _SECONDS
    starts = [_start() for _ in range(1 if short else 7)]
    ready, answered = (statistics.median(column) for column in zip(*starts, strict=True))
    figure("ready, from the start of the process", milliseconds(ready), "below 300 ms")
    figure("a first answer, from there as well", milliseconds(answered), "")
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body"
        with serving() as (process, where):
            body.write_bytes(_form(where["http"]))
            load(where["https"], 1 if short else 12, body)  # the journal is full by then
            before = memory(process.pid)
            rate, latency = load(where["https"], seconds, body)
            grown = memory(process.pid) - before
            entries = ControlClient(where["http"]).get("/health")["requests"]
            own = f"median {milliseconds(latency)}, no error"
            figure(f"azcred over TLS for {seconds} s", f"{rate:.0f}/s", own)
            figure("its memory", f"{grown / 1024:+.1f} MiB", f"for {entries} requests in the journal")
            figure("azcred over HTTP", f"{load(where['http'], min(seconds, 10), body)[0]:.0f}/s", "")
        if not _OTHER.exists() or not shutil.which("node"):
            figure("oauth2-mock-server", "-", "is not installed; run: npm ci")
            return
        body.write_bytes(urlencode({"grant_type": "client_credentials", "scope": "https://vault.azure.net"}).encode())
        with _other() as url:
            rate, latency = load(url, min(seconds, 10), body, path="/token")
        figure("oauth2-mock-server over HTTP", f"{rate:.0f}/s", f"median {milliseconds(latency)}")


@contextmanager
def serving() -> Iterator[tuple["subprocess.Popen[str]", Mapping[str, Any]]]:
    """Run a server; gives the process and where it is."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        command = [sys.executable, "-m", "pytest_azcred", "serve", "--ready-file", str(ready)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                if not process.stdout or not process.stdout.readline():
                    raise RuntimeError("the server did not start")
                yield process, json.loads(ready.read_text())
            finally:
                process.terminate()


def load(
    url: str, seconds: float, body: Path, path: str = "/contoso.com/oauth2/v2.0/token", connections: int = _CONNECTIONS
) -> tuple[float, float]:
    """Return requests a second and the median latency in seconds; raises CalledProcessError if one failed."""
    host, _, port = url.rpartition("//")[2].partition(":")
    tls = str(int(url.startswith("https")))
    words = [host, port, tls, str(connections), f"{seconds}s", "POST", path, str(body)]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", *words], cwd=ROOT, check=True, capture_output=True, text=True
    )
    rate, latency = ran.stdout.split()
    return float(rate), float(latency)


def memory(process: int) -> int:
    """Return how much memory a process has, in KiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def _form(url: str) -> bytes:
    applications = ControlClient(url).get("/directory")["applications"]
    secret = next(one for one in applications if one["client_id"] == SERVICE_PRINCIPAL_CLIENT_ID)["secrets"][0]
    form = {
        "grant_type": "client_credentials",
        "client_id": SERVICE_PRINCIPAL_CLIENT_ID,
        "client_secret": secret["value"],
        "scope": "https://vault.azure.net/.default",
    }
    return urlencode(form).encode()


def _start() -> tuple[float, float]:
    """Return how many seconds a server takes until it says that it is ready, and until it has answered."""
    started = time.perf_counter()
    with serving() as (_, where):
        ready = time.perf_counter() - started
        ControlClient(where["http"]).get("/health")
        return ready, time.perf_counter() - started


@contextmanager
def _other() -> Iterator[str]:
    script = (
        "const { OAuth2Server } = require('oauth2-mock-server'); const server = new OAuth2Server(); (async () => {"
        "await server.issuer.keys.generate('RS256'); await server.start(0, '127.0.0.1');"
        "console.log(server.address().port); })()"
    )
    with subprocess.Popen(["node", "-e", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            if not process.stdout:
                raise RuntimeError("oauth2-mock-server did not start")
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()
