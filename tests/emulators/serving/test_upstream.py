"""Passing requests on to a server of this machine."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from azcred_emulators.serving.connection import Disconnect
from azcred_emulators.serving.server import Server
from azcred_emulators.serving.tls import CertificateAuthority
from azcred_emulators.serving.upstream import Upstream

AUTHORITY = CertificateAuthority()


class Echo:
    """An application that answers with what it got."""

    def __init__(self) -> None:
        self.peers: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        lines = [environ["REQUEST_URI"], *(f"{name}={value}" for name, value in environ["azcred.headers"])]
        text = "\n".join([*lines, str(len(body))]).encode()
        start_response("200 Fine", [("X-Twice", "1"), ("X-Twice", "2"), ("Content-Length", str(len(text)))])
        return [text]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with TLS."""
    server = Server(Echo(), tls=AUTHORITY.server_context())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def upstream(server: Server) -> Iterator[Upstream]:
    """What passes requests on to it."""
    upstream = Upstream(server.address, ssl.create_default_context(cadata=AUTHORITY.pem))
    yield upstream
    upstream.close()


def test_as_it_is(upstream: Upstream) -> None:
    """Target, and headers in their order and case; those of the connection alone are said anew."""
    headers = [
        ("Host", "shop"),
        ("x-Twice", "1"),
        ("X-twice", "2"),
        ("Connection", "close"),
        ("Expect", "100-continue"),
    ]
    answer = upstream.send("PUT", "//a%2Fb?x=%20", [*headers, ("Content-Length", "9")], [b"ab", b"c"], 3)
    assert (answer.status, answer.reason) == (200, "Fine")
    assert [value for name, value in answer.headers if name == "X-Twice"] == ["1", "2"]
    assert answer.read().decode().split("\n") == [
        "//a%2Fb?x=%20",
        "Host=shop",
        "x-Twice=1",
        "X-twice=2",
        "Content-Length=3",
        "3",
    ]


@pytest.mark.parametrize("length", [None, 3_000_000])
def test_a_body_of_any_length(upstream: Upstream, length: int | None) -> None:
    """With the length or in chunks."""
    answer = upstream.send("PUT", "/", [], [b"x" * 1_000_000] * 3, length)
    assert answer.read().endswith(b"\n3000000")


def test_connections_are_kept(upstream: Upstream, server: Server) -> None:
    """One is enough for requests in a row; one that the server has closed is not used again."""
    for _ in range(3):
        upstream.send("GET", "/", []).read()
    assert len(upstream._idle) == 1
    server.stop()
    with pytest.raises(OSError, match="refused"):
        upstream.send("GET", "/", [])


def test_an_answer_that_nobody_reads_is_dropped_with_its_connection(upstream: Upstream) -> None:
    """And one that is closed after its end is kept once."""
    unread = upstream.send("GET", "/", [])
    unread.close()
    assert upstream._idle == []
    read = upstream.send("GET", "/", [])
    read.read()
    read.close()
    assert len(upstream._idle) == 1


def test_a_body_that_breaks_off_breaks_the_request_off(upstream: Upstream) -> None:
    """The exception is the body's own."""

    def body() -> Iterator[bytes]:
        yield b"a"
        raise Disconnect

    with pytest.raises(Disconnect):
        upstream.send("PUT", "/", [], body(), 2)
    assert upstream._idle == []


def test_an_answer_that_breaks_off() -> None:
    """Whoever waits for the rest is disconnected."""
    context = AUTHORITY.server_context()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_half() -> None:
            with suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

        thread = threading.Thread(target=answer_half)
        thread.start()
        upstream = Upstream(listener.getsockname(), ssl.create_default_context(cadata=AUTHORITY.pem))
        with pytest.raises(Disconnect):
            upstream.send("GET", "/", []).read()
        thread.join()
    assert upstream._idle == []
