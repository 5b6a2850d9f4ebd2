"""Connections that are refused, swallowed, or end in a TLS handshake."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import aiohttp
import httpx
import pytest
import requests

import pytest_azcred
from azcred_emulators.environments import ENVIRONMENTS
from azcred_emulators.faults import BlackHole, Gone, Hang, RefusedPort, Status, TlsFailure
from azcred_emulators.faults.network import Defect
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

URL = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
KEYS = "https://login.microsoftonline.com/common/discovery/v2.0/keys"
METADATA = {"Metadata": "true"}


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """An HTTP client that keeps its connections."""
    with requests.Session() as session:
        yield session


def test_a_refused_port(fake_managed_identity: Place, session: requests.Session) -> None:
    """Twice, in its turn among the other faults; the journal has the attempts."""
    fake_managed_identity.faults.add(RefusedPort(), times=2)
    fake_managed_identity.faults.add(Gone())
    for _ in range(2):
        with pytest.raises(requests.ConnectionError, match="Connection refused"):
            session.get(URL, headers=METADATA)
    assert [session.get(URL, headers=METADATA).status_code for _ in range(2)] == [410, 200]
    assert [(entry.operation, entry.fault) for entry in fake_managed_identity.requests()] == [
        ("connection", "RefusedPort"),
        ("connection", "RefusedPort"),
        ("token", "Gone"),
        ("token", None),
    ]


def test_a_connection_that_is_there_already_breaks(fake_managed_identity: Place, session: requests.Session) -> None:
    """A client that keeps its connection does not connect again, and would never notice."""
    connection = http.client.HTTPConnection("169.254.169.254", timeout=10)
    connection.request("GET", URL, headers=METADATA)
    connection.getresponse().read()
    fake_managed_identity.faults.add(RefusedPort())
    connection.request("GET", URL, headers=METADATA)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    connection.close()


def test_a_fault_for_some_requests_waits_for_one(fake_managed_identity: Place, session: requests.Session) -> None:
    """What a connection will be used for is not known; the request breaks it."""
    fake_managed_identity.faults.add(RefusedPort(), operation="probe")
    fake_managed_identity.faults.add(RefusedPort(), nth=2)
    assert session.get(URL, headers=METADATA).status_code == 200
    with pytest.raises(requests.ConnectionError, match=r"reset|refused"):
        session.get(URL)
    with pytest.raises(requests.ConnectionError, match=r"reset|refused"):
        session.get(URL, headers=METADATA)


def test_a_black_hole(fake_managed_identity: Place) -> None:
    """The client's own connect timeout ends it, in each of these clients."""
    fake_managed_identity.faults.add(BlackHole(), times=3)
    with pytest.raises(requests.ConnectTimeout):
        requests.get(URL, headers=METADATA, timeout=(0.05, 10))
    with pytest.raises(httpx.ConnectTimeout):
        httpx.get(URL, headers=METADATA, timeout=httpx.Timeout(10, connect=0.05))

    async def ask() -> None:
        timeout = aiohttp.ClientTimeout(sock_connect=0.05)
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(URL, headers=METADATA):
            pass

    with pytest.raises(aiohttp.ServerTimeoutError):
        asyncio.run(ask())


def test_a_black_hole_in_an_open_connection(fake_managed_identity: Place, session: requests.Session) -> None:
    """It says nothing any more."""
    session.get(URL, headers=METADATA)
    fake_managed_identity.faults.add(BlackHole(), optional=True)  # a busy machine may not have seen the request by then
    with pytest.raises(requests.ReadTimeout):
        session.get(URL, headers=METADATA, timeout=(10, 0.05))


DEFECTS: dict[Defect, str] = {
    "untrusted": "unable to get local issuer certificate|self-signed certificate",
    "expired": "certificate has expired",
    "wrong-name": "Hostname mismatch",
    "handshake": "WRONG_VERSION_NUMBER|wrong version number|record layer failure",
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_tls_that_fails(azcred: Azcred, session: requests.Session, defect: Defect) -> None:
    """For each reason; the next connection is sound."""
    azcred.authority.faults.add(TlsFailure(defect))
    with pytest.raises(requests.exceptions.SSLError, match=DEFECTS[defect]):
        session.get(KEYS)
    assert session.get(KEYS).status_code == 200


@pytest.mark.parametrize("defect", ["untrusted", "expired", "wrong-name"])
def test_clients_that_verify_nothing_do_not_mind(azcred: Azcred, defect: Defect) -> None:
    """They get the genuine answer, as from a proxy that reads along."""
    azcred.authority.faults.add(TlsFailure(defect))
    careless = ssl._create_unverified_context()
    with urllib.request.urlopen(KEYS, context=careless) as answer:
        assert answer.status == 200


def test_a_host_on_the_shared_port(azcred: Azcred, session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its faults are for the place that the app is in, and for connections to the emulators alone."""
    place = azcred.environment("app-service")
    place.faults.add(RefusedPort())
    with socket.create_server(("127.0.0.1", 0)) as own:
        socket.create_connection(own.getsockname()).close()
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        session.get(os.environ["IDENTITY_ENDPOINT"])
    assert session.get(os.environ["IDENTITY_ENDPOINT"]).status_code == 401


@pytest.mark.slow
def test_another_process_sees_its_connection_break(fake_managed_identity: Place) -> None:
    """Its connections are led here by a table, which knows nothing of scripts."""
    fake_managed_identity.faults.add(RefusedPort())
    program = f"import urllib.request; urllib.request.urlopen(urllib.request.Request({URL!r}, headers={METADATA!r}))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "ConnectionResetError" in result.stderr


def test_nothing_is_waited_for_at_the_end() -> None:
    """What is still trying to connect is no thread of ours."""
    with socket.socket() as connecting:
        connecting.setblocking(False)
        with pytest_azcred.environment("virtual-machine") as azcred:
            assert azcred.place is not None
            azcred.place.faults.add(BlackHole(), Status(500), optional=True)
            with pytest.raises(BlockingIOError):
                connecting.connect(("169.254.169.254", 80))
            started = time.perf_counter()
        assert time.perf_counter() - started < 5


@pytest.mark.parametrize("name", [one.name for one in ENVIRONMENTS.values() if one.provider])
def test_every_place_has_its_script(azcred: Azcred, name: str) -> None:
    """Of the host, the executable or the authority that hands out tokens there."""
    place = azcred.environment(name)
    place.faults.add(Hang(), optional=True)
    assert place.faults.unspent == ()
    assert place.faults
