"""Bodies beyond what is read ahead: the application reads them as they arrive, or leaves them."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from azcred_emulators.serving.connection import Disconnect
from azcred_emulators.serving.limits import Limits
from azcred_emulators.serving.request_reader import MAXIMUM_READ, BadRequest
from azcred_emulators.serving.server import Server
from azcred_emulators.serving.tls import CertificateAuthority

BODY = bytes(range(256)) * 4096 * 5  # 5 MiB


class Reader:
    """An application that answers with the digest of the body, which it reads in pieces."""

    def __init__(self) -> None:
        self.read = 0
        self.error: BaseException | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.read, digest = 0, hashlib.sha256()
        try:
            while piece := environ["wsgi.input"].read(100_000):
                self.read += len(piece)
                digest.update(piece)
        except BaseException as error:
            self.error = error
            raise
        start_response("200 OK", [("Content-Length", "64")])
        return [digest.hexdigest().encode()]


@pytest.fixture
def application() -> Reader:
    """The application."""
    return Reader()


@pytest.fixture
def server(application: Reader) -> Iterator[Server]:
    """A server of it that has little patience."""
    server = Server(application, limits=Limits(body=0.2))
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [MAXIMUM_READ, MAXIMUM_READ + 1, len(BODY)])
def test_it_arrives_whole_and_the_connection_is_kept(server: Server, size: int, *, chunked: bool) -> None:
    """A request follows on the same connection; small and large chunks make no difference."""
    client = http.client.HTTPConnection(*server.address, timeout=10)
    body = BODY[:size]
    pieces = [body[:10], body[10:70_000], body[70_000:]]
    for _ in range(2):
        if chunked:
            client.request("PUT", "/", body=iter(pieces), encode_chunked=True)
        else:
            client.request("PUT", "/", body=body)
        kept = client.sock
        response = client.getresponse()
        assert response.read() == hashlib.sha256(body).hexdigest().encode()
        assert client.sock is kept
    client.close()


def test_the_client_is_told_to_go_on_when_the_body_is_read(server: Server) -> None:
    """One that has asked for that (RFC 9110, section 10.1.1) sends nothing before."""
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(BODY))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(BODY)
        assert client.recv(65536).endswith(hashlib.sha256(BODY).hexdigest().encode())


def chunks(rest: bytes) -> bytes:
    """Return a request whose body goes beyond the limit and on with these bytes."""
    size = b"%x" % (MAXIMUM_READ + 1)
    return b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%b\r\n%b" % (size, bytes(MAXIMUM_READ + 1)) + rest


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        (chunks(b"\r\nzz\r\n"), b"400 Bad Request", b"The chunks of the body are malformed."),
        (chunks(b"no line's end"), b"400 Bad Request", b"The chunks of the body are malformed."),
        (chunks(b"\r\n"), b"408 Request Timeout", b"The body stopped for 0.2 s."),
        (
            b"PUT / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\nab",
            b"408 Request Timeout",
            b"The body stopped for 0.2 s.",
        ),
    ],
)
def test_what_is_wrong_with_it_is_said(
    application: Reader, server: Server, request_: bytes, status: bytes, sentence: bytes
) -> None:
    """The application gets an exception that it lets pass, and the client the server's refusal."""
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(request_)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(sentence)
    assert isinstance(application.error, BadRequest)


def test_a_client_that_goes_away(application: Reader, server: Server) -> None:
    """The application learns it, and nothing is answered."""
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n" + BODY)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536) == b""
    assert isinstance(application.error, Disconnect)


def test_the_raw_request_is_there() -> None:
    """The target as it was sent, and every header as often as it was."""
    seen: dict[str, Any] = {}

    def note(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    server = Server(note)
    server.start()
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET //a%2Fb/%C3%A4?x=%20&x HTTP/1.1\r\nX-Twice: 1\r\nx-twice: 2\r\nConnection: close\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 204")
    server.stop()
    assert seen["REQUEST_URI"] == "//a%2Fb/%C3%A4?x=%20&x"
    assert seen["azcred.headers"] == [("X-Twice", "1"), ("x-twice", "2"), ("Connection", "close")]


@pytest.mark.parametrize("fails", [False, True])
def test_what_the_application_returns_is_closed(*, fails: bool) -> None:
    """Whether it was sent to its end or not (PEP 3333)."""

    class Body:
        closed = 0

        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            if fails:
                raise Disconnect
            yield b"b"

        def close(self) -> None:
            self.closed += 1

    body = Body()

    def application(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        return body

    server = Server(application)
    server.start()
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    server.stop()
    assert answer.endswith(b"\r\n\r\na" if fails else b"\r\n\r\nab")
    assert body.closed == 1


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("size", [MAXIMUM_READ + 1, len(BODY)])
def test_a_client_that_is_refused_while_it_sends_reads_its_answer(size: int, *, tls: bool) -> None:
    """What it still sends is discarded, with TLS and without."""

    def refuse(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("401 Unauthorized", [("Content-Length", "2")])
        return [b"no"]

    authority = CertificateAuthority()
    server = Server(refuse, tls=authority.server_context() if tls else None)
    server.start()
    client = http.client.HTTPConnection(*server.address, timeout=10)
    if tls:
        context = ssl.create_default_context(cadata=authority.pem)
        client = http.client.HTTPSConnection(*server.address, timeout=10, context=context)
    client.request("PUT", "/", body=BODY[:size])
    response = client.getresponse()
    assert (response.status, response.read()) == (401, b"no")
    client.close()
    server.stop()
