"""The server on real sockets: what fixtures and standalone use rely on."""

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from azcred_emulators.serving.request_reader import MAXIMUM_READ
from azcred_emulators.serving.server import Server
from azcred_emulators.serving.tls import CertificateAuthority


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with what was understood of the request."""
    request = Request(environ)
    size = request.content_length if request.path == "/unread" else len(request.get_data())
    text = f"{request.method} {request.path} {request.query_string.decode()} {size}"
    return Response(f"{text} {request.headers.get('X-Twice', '')}".strip())(environ, start_response)


@pytest.fixture
def server() -> Iterator[Server]:
    """A plain HTTP server of the echo application."""
    server = Server(echo)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connection(server: Server) -> Iterator[socket.socket]:
    """A connection to it, to write to by hand."""
    with socket.create_connection(server.address, timeout=10) as connection:
        yield connection


def answer_to(connection: socket.socket, request: bytes) -> bytes:
    """Send bytes and read until the server closes the connection."""
    connection.sendall(request)
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_connection_is_kept_for_the_next_request(server: Server) -> None:
    """Three requests, one of them with a body, travel over one socket."""
    client = http.client.HTTPConnection(*server.address, timeout=10)
    client.request("GET", "/one?a=b")
    assert client.getresponse().read() == b"GET /one a=b 0"
    kept = client.sock
    client.request("POST", "/two", body=b"x" * 70_000)
    assert client.getresponse().read() == b"POST /two  70000"
    client.request("POST", "/three", body=iter([b"abc", b"de"]), encode_chunked=True)
    assert client.getresponse().read() == b"POST /three  5"
    assert client.sock is kept
    client.close()


def test_a_client_that_asks_to_close_is_closed_on(connection: socket.socket) -> None:
    """`Connection: close` and HTTP/1.0 end the connection after the answer."""
    answer = answer_to(connection, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close\r\n" in answer


def test_http_1_0_is_answered_and_closed(connection: socket.socket) -> None:
    """Without keep-alive of its own the old version closes."""
    assert answer_to(connection, b"GET / HTTP/1.0\r\n\r\n").endswith(b"GET /  0")


def test_pipelined_requests_are_answered_in_order(connection: socket.socket) -> None:
    """What follows a request in the same packet is the next request."""
    answer = answer_to(
        connection, b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer.index(b"GET /1") < answer.index(b"GET /2")


def test_a_head_request_gets_headers_only(connection: socket.socket) -> None:
    """The length is that of the body which is left out."""
    answer = answer_to(connection, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 9" in answer


def test_a_request_may_come_in_any_pieces(connection: socket.socket) -> None:
    """Byte by byte, with empty lines before it, bare line feeds, chunks with extensions, and a trailer."""
    head = b"\r\nPOST /a HTTP/1.1\nHost: x\nTransfer-Encoding: Chunked\nConnection: close\n\n"
    for byte in head + b"2;a=b\r\nab\r\n0a\ncdefghijkl\n000\r\nTrailer: x\r\n\r\n":
        connection.sendall(bytes([byte]))
    assert answer_to(connection, b"").endswith(b"POST /a  12")


def test_expect_continue_is_met(connection: socket.socket) -> None:
    """A client that waits for permission gets it, then its answer."""
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"ab")
    assert connection.recv(1024).endswith(b"POST /  2")


def test_repeated_headers_are_joined(connection: socket.socket) -> None:
    """As WSGI wants it."""
    answer = answer_to(connection, b"GET / HTTP/1.1\r\nX-Twice: a\r\nX-Twice: b\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"a,b")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / SMTP/1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n : x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\nab", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 900 + b"\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 6000 + b"\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: a\rY: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX : a\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET  / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1 \r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500_000 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 65536 * 40 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000, b"431"),
    ],
)
def test_what_is_no_http_is_refused(connection: socket.socket, request_: bytes, status: bytes) -> None:
    """A malformed request is answered with a status and the connection closed; nothing is printed."""
    connection.sendall(request_)
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nConnection: close\r\n" in answer


def test_a_body_beyond_the_limit_is_announced_but_not_read(server: Server) -> None:
    """The application learns the length; the client reads its answer before the connection closes."""
    client = http.client.HTTPConnection(*server.address, timeout=10)
    client.request("POST", "/unread", body=b"x" * (MAXIMUM_READ + 1))
    response = client.getresponse()
    assert response.read() == f"POST /unread  {MAXIMUM_READ + 1}".encode()
    assert response.headers["Connection"] == "close"
    client.close()


def test_stopping_ends_open_connections_and_their_threads() -> None:
    """A client that keeps its connection does not keep the server."""
    before = set(threading.enumerate())
    server = Server(echo)
    server.start()
    with socket.create_connection(server.address, timeout=10) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(1024).startswith(b"HTTP/1.1 200")
        server.stop()
        assert idle.recv(1024) == b""
    assert set(threading.enumerate()) <= before  # threads of other tests may have ended meanwhile
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", idle.getpeername()[1] if idle.fileno() > 0 else 9), timeout=1)
    server.stop()


def test_a_server_can_be_started_again() -> None:
    """On another free port."""
    server = Server(echo)
    with pytest.raises(RuntimeError, match="call start"):
        _ = server.url
    for _ in range(2):
        server.start()
        with socket.create_connection(server.address, timeout=10):
            pass
        server.stop()


def test_tls_serves_any_name(request: pytest.FixtureRequest) -> None:
    """The certificate is made for the name that the client asks for."""
    authority = CertificateAuthority()
    server = Server(echo, tls=authority.server_context())
    server.start()
    request.addfinalizer(server.stop)
    trusting = ssl.create_default_context(cadata=authority.pem)
    for name in ("login.microsoftonline.com", "LOGIN.WINDOWS.NET", "127.0.0.1"):
        with (
            socket.create_connection(server.address, timeout=10) as plain,
            trusting.wrap_socket(plain, server_hostname=name) as encrypted,
        ):
            encrypted.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert encrypted.recv(1024).startswith(b"HTTP/1.1 200")
    assert server.url.startswith("https://127.0.0.1:")


def test_a_client_that_distrusts_the_certificate_harms_nobody(request: pytest.FixtureRequest) -> None:
    """Failed handshakes, plain text on the TLS port and silent clients leave the server serving."""
    authority = CertificateAuthority()
    server = Server(echo, tls=authority.server_context())
    server.start()
    request.addfinalizer(server.stop)
    with socket.create_connection(server.address, timeout=10) as plain, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="login.microsoftonline.com")
    with socket.create_connection(server.address, timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with (
        socket.create_connection(server.address, timeout=10),
        socket.create_connection(server.address, timeout=10) as plain,
        ssl.create_default_context(cadata=authority.pem).wrap_socket(plain, server_hostname="localhost") as encrypted,
    ):
        encrypted.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert encrypted.recv(1024).startswith(b"HTTP/1.1 200")


def test_a_fault_of_the_application_is_a_500_and_is_reported(request: pytest.FixtureRequest) -> None:
    """The client is not left waiting, and the developers of the emulators hear of it."""
    reported: list[object] = []
    hook = threading.excepthook
    threading.excepthook = lambda details: reported.append(details.exc_value)
    request.addfinalizer(lambda: setattr(threading, "excepthook", hook))
    server = Server(lambda environ, start_response: environ["missing"])
    server.start()
    with socket.create_connection(server.address, timeout=10) as connection:
        assert answer_to(connection, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 500 ")
    server.stop()
    assert repr(reported) == "[KeyError('missing')]"


def test_many_clients_at_once_are_served(server: Server) -> None:
    """More than there are workers."""
    answers: list[bytes] = []

    def ask() -> None:
        client = http.client.HTTPConnection(*server.address, timeout=10)
        client.request("GET", "/")
        answers.append(client.getresponse().read())
        client.close()

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"GET /  0"] * 100


def test_stopping_lets_an_answer_be_finished() -> None:
    """A request that is being answered when the server stops gets its answer."""
    asked, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked.set()
        go_on.wait(10)
        return Response("done")(environ, start_response)

    server = Server(slow)
    server.start()
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert asked.wait(10)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        while server._acceptor is not None:
            os.sched_yield()
        go_on.set()
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    stopping.join(10)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"done")


def test_stopping_does_not_wait_for_a_client_that_does_not_read() -> None:
    """Its connection is closed after a short while."""
    server = Server(lambda environ, start_response: Response(b"x" * 50_000_000)(environ, start_response))
    server.start()
    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(10)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(30)
        assert not stopping.is_alive()


@pytest.mark.parametrize(("address", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_who_listens_everywhere_is_reached_on_loopback(address: str, reached: str) -> None:
    """That is what clients on this machine are told, unless there is a name."""
    try:
        socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"this machine has no address {address}")
    server = Server(echo, host=address)
    server.start()
    try:
        assert server.address[0] == reached
        with socket.create_connection(server.address, timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")
    finally:
        server.stop()
    named = Server(echo, host=address, name="emulators.example")
    named.start()
    assert named.url == f"http://emulators.example:{named.address[1]}"
    named.stop()
