"""How many fresh tokens the token service issues, to a load generator in another process."""

import logging
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from werkzeug.serving import make_server

from azcred_emulators.directory import Application
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import ENVIRONMENTS
from azcred_emulators.serving.server import Server
from benchmarks.measure import figure, heading, median_seconds, milliseconds

Address = tuple[str, int]


def run(*, short: bool) -> None:
    """Compare with what signing alone allows, and with the same application under Werkzeug's own server."""
    heading("tokens: client_credentials with a secret, a new RS256 signature for each, over kept connections")
    requests = 40 if short else 3000
    with Emulators() as emulators, tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body"
        body.write_bytes(_form(emulators))
        signing = 1 / median_seconds(lambda: emulators.tokens.key.sign({"aud": "x" * 600}), 5 if short else 400)
        figure("signing alone, one thread", f"{signing:.0f}/s", "what one core of this machine allows")
        for name, server, tls in (("HTTP", emulators.http, False), ("TLS", emulators.https, True)):
            best = max(_rate(server.address, tls, connections, requests, body)[0] for connections in (2, 4))
            figure(f"over {name}", f"{best:.0f}/s", f"{best / signing:.0%} of signing alone")
        rate, latency = _rate(emulators.https.address, True, 1, requests // 4, body)
        figure("one client over a kept TLS connection", f"{rate:.0f}/s", f"median {milliseconds(latency)}; below 2 ms")
        imds = _imds_rate(emulators, requests)
        figure("IMDS from its cache, over HTTP", f"{imds:.0f}/s", f"{imds / signing:.0%} of signing alone")
        for name, context in (("HTTP", None), ("TLS", emulators.certificate_authority.server_context())):
            with _werkzeug(emulators, context) as address:
                rate = _rate(address, context is not None, 2, requests // 4, body)[0]
            figure(f"Werkzeug's development server over {name}", f"{rate:.0f}/s", f"{rate / signing:.0%}")
        figure("stopping a server", milliseconds(median_seconds(lambda: _start_stop(emulators), 3)), "below 10 ms")


def _form(emulators: Emulators) -> bytes:
    client_id = ENVIRONMENTS["developer-service-principal"].client_id or ""
    application = emulators.directory.principal(client_id)
    if not isinstance(application, Application):
        raise LookupError(f"the directory has no application {client_id}")
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": application.secrets[0].value,
        "scope": "https://vault.azure.net/.default",
    }
    return urlencode(form).encode()


def _rate(address: Address, tls: bool, connections: int, requests: int, body: Path) -> tuple[float, float]:
    """Return requests a second and the median latency in seconds, as the load generator saw them."""
    return _load(address, tls, connections, requests, "POST", "/contoso.com/oauth2/v2.0/token", str(body))


def _imds_rate(emulators: Emulators, requests: int) -> float:
    path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
    return _load(emulators.http.address, False, 2, requests, "GET", path, "/dev/null")[0]


def _load(address: Address, tls: bool, connections: int, requests: int, *request: str) -> tuple[float, float]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        *map(str, (*address, int(tls), connections, requests)),
        *request,
    ]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    rate, latency = result.stdout.split()
    return float(rate), float(latency)


@contextmanager
def _werkzeug(emulators: Emulators, context: ssl.SSLContext | None) -> Iterator[Address]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, emulators.application, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield ("127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _start_stop(emulators: Emulators) -> None:
    server = Server(emulators.application)
    server.start()
    server.stop()
