"""A local server that has no TLS stands in for https and wss URLs: the emulators present the certificate for it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import uvloop
import websockets.asyncio.client
import websockets.sync.client
import websockets.sync.server
from support.http_clients import CLIENTS, Fetch
from support.servers import served

from pytest_azcred.azcred import Azcred

HOST = "orders.contoso.com"
BODY = os.urandom(1_500_000)


class Orders(BaseHTTPRequestHandler):
    """An API that keeps connections, sends events as they come, and returns what it gets, however it comes."""

    protocol_version = "HTTP/1.1"
    connections = 0
    next_event = threading.Semaphore(0)

    def setup(self) -> None:
        """Count connections."""
        type(self).connections += 1
        super().setup()

    def do_GET(self) -> None:
        """Send three events, each when the client is ready for it."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            assert self.next_event.acquire(timeout=30)
            event = f"data: {number}\n\n".encode()
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self) -> None:
        """Send back the body."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while length := int(self.rfile.readline(), 16):
                body += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def orders(azcred: Azcred) -> Iterator[type[Orders]]:
    """The API, at https://orders.contoso.com."""
    handler = type("OrdersOfATest", (Orders,), {"connections": 0, "next_event": threading.Semaphore(0)})
    with _running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        azcred.route(HOST, to=f"http://127.0.0.1:{server.server_address[1]}")
        yield handler


@contextmanager
def _running(server: Any) -> Iterator[Any]:
    """Run a server of the standard library's kind on a thread."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        getattr(server, "server_close", lambda: None)()


def test_every_client(azcred: Azcred, client: Fetch) -> None:
    """One call routes https and http alike."""
    with served() as url:
        azcred.route(HOST, to=url)
        for scheme in ("https", "http"):
            assert client(f"{scheme}://{HOST}/") == (200, f"this is {HOST}")


def test_another_port(azcred: Azcred) -> None:
    """A server that speaks HTTP answers for both schemes at the port that the route names."""
    with served() as url:
        azcred.route(f"{HOST}:8443", to=url)
        for scheme in ("https", "http"):
            assert requests.get(f"{scheme}://{HOST}:8443/").text == f"this is {HOST}:8443"
    assert (HOST, 443) not in [route[:2] for route in azcred.routes]


def test_an_address_and_a_pattern(azcred: Azcred) -> None:
    """The certificate is for what the client asked for."""
    with served() as url, served(host="::1") as url_of_ipv6:
        azcred.route("10.1.2.3", to=url)
        azcred.route("*.contoso.com", to=url_of_ipv6)
        assert requests.get("https://10.1.2.3/").text == "this is 10.1.2.3"
        assert requests.get("https://shop.west.contoso.com/").text == "this is shop.west.contoso.com"


def test_connections_are_kept(orders: type[Orders]) -> None:
    """A session's requests share one connection to the server, whichever way their bodies are sent."""
    with requests.Session() as session:
        assert session.post(f"https://{HOST}/", data=BODY).content == BODY
        chunks = (BODY[start : start + 100_000] for start in range(0, len(BODY), 100_000))
        assert session.post(f"https://{HOST}/", data=chunks).content == BODY
    assert orders.connections == 1


def test_events_arrive_one_by_one(orders: type[Orders]) -> None:
    """The server sends an event when the one before has been read."""
    with requests.get(f"https://{HOST}/", stream=True, timeout=30) as response:
        orders.next_event.release()
        seen = []
        for line in filter(None, response.iter_lines(chunk_size=1)):
            seen.append(line)
            orders.next_event.release()
    assert seen == [b"data: 0", b"data: 1", b"data: 2"]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_events_arrive_in_event_loops(orders: type[Orders], run: Any) -> None:
    """httpx and aiohttp read a stream as it comes."""

    async def main() -> list[str]:
        seen = []
        orders.next_event.release()
        async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", f"https://{HOST}/") as response:
            async for line in response.aiter_lines():
                seen.append(line)
                if line:
                    orders.next_event.release()
        async with aiohttp.ClientSession() as session, session.get(f"https://{HOST}/") as response:
            async for content in response.content:
                seen.append(content.decode().strip())
                if content.strip():
                    orders.next_event.release()
        return list(filter(None, seen))

    assert run(main()) == [f"data: {number}" for number in range(3)] * 2


@pytest.fixture
def websocket(azcred: Azcred) -> Iterator[str]:
    """The URL of a WebSocket that says who is asked for, then returns every message."""

    def serve(connection: websockets.sync.server.ServerConnection) -> None:
        assert connection.request is not None
        connection.send(connection.request.headers["Host"])
        for message in connection:
            connection.send(message)

    with _running(websockets.sync.server.serve(serve, "127.0.0.1", 0, max_size=None)) as server:
        azcred.route(HOST, to=f"http://127.0.0.1:{server.socket.getsockname()[1]}")
        yield f"wss://{HOST}/live"


def test_websockets(websocket: str) -> None:
    """After the upgrade, messages go in both directions, and the goodbye as well."""
    with websockets.sync.client.connect(websocket, max_size=None) as connection:
        assert connection.recv() == HOST
        for message in ("hello", BODY):
            connection.send(message)
            assert connection.recv() == message
    assert connection.close_code == 1000


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_websockets_in_event_loops(websocket: str, run: Any) -> None:
    """As above, for the asynchronous client and for aiohttp's."""

    async def main() -> None:
        async with websockets.asyncio.client.connect(websocket, max_size=None) as connection:
            assert await connection.recv() == HOST
            await connection.send(BODY)
            assert await connection.recv() == BODY
        async with aiohttp.ClientSession() as session, session.ws_connect(websocket, max_msg_size=0) as other:
            assert await other.receive_str() == HOST
            await other.send_bytes(BODY)
            assert await other.receive_bytes() == BODY
        await asyncio.sleep(0.25)  # aiohttp leaves the end of TLS to the loop, as its documentation says

    run(main())


CHILDREN = {
    "requests": f"import requests; print(requests.get('https://{HOST}/').text)",
    "aiohttp-uvloop": f"""
import aiohttp, uvloop
async def main():
    async with aiohttp.ClientSession() as session, session.get('https://{HOST}/') as response:
        print(await response.text())
uvloop.run(main())
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("program", CHILDREN.values(), ids=CHILDREN)
def test_a_child_process(azcred: Azcred, program: str) -> None:
    """The app's child processes find the server behind TLS, too."""
    with served() as url:
        azcred.route(HOST, to=url)
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == (f"this is {HOST}\n", "")


def test_a_server_that_is_not_there(azcred: Azcred) -> None:
    """The client learns at once where the route leads: of http by a refused connection, of https by an answer."""
    with served() as url:
        azcred.route(HOST, to=url)
    for name in ("requests", "httpx-asyncio", "aiohttp-uvloop"):
        with CLIENTS[name]() as fetch:
            answer = fetch(f"https://{HOST}/")
            assert answer.status == 502
            assert answer.text.startswith(
                f"azcred routes {HOST} to {url.removeprefix('http://')}, where nothing answers"
            )
    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(f"http://{HOST}/")


def test_other_protocols(azcred: Azcred) -> None:
    """The bytes of a tcp route are passed on as they are, and the server may begin."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        azcred.route("database.contoso.com:5432", to=f"tcp://localhost:{server.getsockname()[1]}")
        with socket.create_connection(("database.contoso.com", 5432), timeout=30) as client:
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(b"welcome")
                assert client.recv(10) == b"welcome"
                client.sendall(b"\x16 not TLS")
                assert accepted.recv(10) == b"\x16 not TLS"


@pytest.mark.parametrize("host", ["database.contoso.com", "database.contoso.com:0", "database.contoso.com:65536"])
def test_other_protocols_have_no_usual_port(azcred: Azcred, host: str) -> None:
    """The error shows what such a route looks like."""
    with pytest.raises(ValueError, match=r"is for a host and its port, such as 'database\.contoso\.com:5432', not for"):
        azcred.route(host, to="tcp://127.0.0.1:5432")
