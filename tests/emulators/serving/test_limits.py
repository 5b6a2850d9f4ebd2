"""What clients may take of a server, and that others are answered meanwhile."""

import contextlib
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from werkzeug.wrappers import Response

from azcred_emulators.serving.limits import Limits
from azcred_emulators.serving.server import Server
from azcred_emulators.serving.tls import CertificateAuthority

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Application:
    """Answers; a request for /hang waits until the test has ended."""

    def __init__(self) -> None:
        self.hanging = threading.Semaphore(0)
        self.end = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/hang":
            self.hanging.release()
            self.end.wait()
        return Response("answer")(environ, start_response)


@pytest.fixture
def application() -> Iterator[Application]:
    """An application whose waiting requests end with the test."""
    application = Application()
    yield application
    application.end.set()


@contextmanager
def serving(application: Any, tls: ssl.SSLContext | None = None, **limits: Any) -> Iterator[Server]:
    """Run a server with these limits."""
    server = Server(application, tls=tls, limits=Limits(**limits))
    server.start()
    try:
        yield server
    finally:
        if isinstance(application, Application):
            application.end.set()
        server.stop()


def connect(server: Server, data: bytes = b"") -> socket.socket:
    """Return a connection over which this has been sent."""
    connection = socket.create_connection(server.address, timeout=20)
    connection.sendall(data)
    return connection


def ask(connection: socket.socket) -> bytes:
    """Return the status line of the answer to one more request, b"" if the connection has been closed."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(REQUEST)
    return status(connection)


def status(connection: socket.socket) -> bytes:
    """Return the status line of the next answer, b"" if the connection has been closed."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(65536).partition(b"\r\n")[0]
    return b""


def rest(connection: socket.socket) -> bytes:
    """Return all that the server sends until it closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def workers() -> int:
    """Return how many threads of workers there are."""
    return sum(thread.name == "azcred-worker" for thread in threading.enumerate())


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        REQUEST,
    ],
)
def test_who_waits_holds_no_thread(application: Application, half: bytes) -> None:
    """Neither half a request nor an idle connection does."""
    before = workers()
    with serving(application) as server, ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connect(server, half))
        with connect(server) as other:
            assert ask(other) == b"HTTP/1.1 200 OK"
            assert workers() - before <= 8


def test_half_a_handshake_holds_no_thread(application: Application) -> None:
    """Nor does one that never begins."""
    authority = CertificateAuthority()
    before = workers()
    trusting = ssl.create_default_context(cadata=authority.pem)
    with serving(application, authority.server_context()) as server, ExitStack() as stack:
        for half in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"):
            for _ in range(30):
                stack.enter_context(connect(server, half))
        with trusting.wrap_socket(connect(server), server_hostname="localhost") as other:
            assert ask(other) == b"HTTP/1.1 200 OK"
        assert workers() - before <= 8


@pytest.mark.parametrize(
    ("sent", "limit", "reason"),
    [
        (b"GET / HT", "head", b"did not arrive within 0.05 s."),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", "body", b"did not arrive within 0.05 s."),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "body", b"did not arrive within 0.05 s."),
    ],
)
def test_a_request_has_a_time_limit(application: Application, sent: bytes, limit: str, reason: bytes) -> None:
    """Its sender is told which."""
    limits: dict[str, Any] = {limit: 0.05}
    with serving(application, **limits) as server, connect(server, sent) as client:
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert answer.endswith(reason)


def test_dripping_does_not_extend_the_limit(application: Application) -> None:
    """A head has its time as a whole, not each of its bytes."""
    with serving(application, head=0.2) as server, connect(server, b"GET / HTTP/1.1\r\nX: ") as client:
        client.settimeout(0.01)
        answer = b""
        while not answer:
            client.sendall(b"y")
            with contextlib.suppress(TimeoutError):
                answer = client.recv(100)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_who_says_nothing_is_disconnected(application: Application) -> None:
    """Without an answer, since nothing was asked; so is half a handshake."""
    tls = CertificateAuthority().server_context()
    with serving(application, head=0.05) as server, connect(server) as silent:
        assert rest(silent) == b""
    with serving(application, tls, head=0.05, handshake=0.05) as server:
        for half in (b"", b"\x16\x03\x01\x02\x00\x01"):
            with connect(server, half) as silent:
                assert rest(silent) == b""


def test_between_requests_there_is_no_limit(application: Application) -> None:
    """A client may keep its connection."""
    with serving(application, head=0.02, body=0.02) as server, connect(server) as kept, connect(server, b"GE") as late:
        assert ask(kept) == b"HTTP/1.1 200 OK"
        assert rest(late).startswith(b"HTTP/1.1 408 ")
        assert ask(kept) == b"HTTP/1.1 200 OK"


def test_a_client_that_takes_nothing_is_disconnected() -> None:
    """Its answer would keep a worker."""
    abandoned = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            abandoned.set()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "1000000000000")])
        return endless()

    with serving(application, write=0.05) as server, connect(server, REQUEST):
        assert abandoned.wait(20)


def test_hanging_requests_keep_nobody_waiting(application: Application) -> None:
    """Dozens of them at once, as a suite with faults may have."""
    with serving(application) as server, ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connect(server, b"GET /hang HTTP/1.1\r\n\r\n"))
        for _ in range(60):
            assert application.hanging.acquire(timeout=20)
        with connect(server) as other:
            assert ask(other) == b"HTTP/1.1 200 OK"


def test_beyond_the_bound_requests_wait_and_are_refused(application: Application) -> None:
    """One that waits for too long is told how many are being answered."""
    with serving(application, workers=2, queue=0.1) as server, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(connect(server, b"GET /hang HTTP/1.1\r\n\r\n"))
            assert application.hanging.acquire(timeout=20)
        with connect(server, REQUEST) as third:
            answer = rest(third)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert answer.endswith(b"The server answers 2 requests already.")
        application.end.set()
        with connect(server) as fourth:
            assert ask(fourth) == b"HTTP/1.1 200 OK"


def test_a_new_connection_takes_the_place_of_an_idle_one(application: Application) -> None:
    """A client that is in the middle of a request keeps its own."""
    with serving(application, connections=3) as server, ExitStack() as stack:
        half, first, second = (stack.enter_context(connect(server)) for _ in range(3))
        half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert ask(first) == ask(second) == b"HTTP/1.1 200 OK"
        new = stack.enter_context(connect(server))
        assert ask(new) == b"HTTP/1.1 200 OK"
        assert ask(first) == b""
        assert ask(second) == b"HTTP/1.1 200 OK"
        half.sendall(b"\r\n")
        assert status(half) == b"HTTP/1.1 200 OK"


def test_one_connection_too_many_is_refused(application: Application) -> None:
    """If all the others are at work."""
    with serving(application, connections=2) as server, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(connect(server, b"GET /hang HTTP/1.1\r\n\r\n"))
            assert application.hanging.acquire(timeout=20)
        answer = rest(stack.enter_context(connect(server)))
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert answer.endswith(b"The server has 2 connections, and none is idle.")


def in_a_process(program: str) -> str:
    """Run a program on a server in a process that may lower its own limits; returns what it prints."""
    pytest.importorskip("resource", reason="this system has no limits of processes")
    before = """
        import os, resource, socket, sys, threading
        from azcred_emulators.serving.server import Server

        hanging, end = threading.Event(), threading.Event()

        def answer(environ, start_response):
            if environ["PATH_INFO"] == "/hang":
                hanging.set()
                end.wait()
            start_response("200 OK", [("Content-Length", "0")])
            return []

        def send(connection, path):
            connection.sendall(f"GET {path} HTTP/1.1\\r\\n\\r\\n".encode())

        def status(connection):
            return connection.recv(65536).partition(b"\\r\\n")[0].decode()

        def ask(connection):
            send(connection, "/")
            return status(connection)

        server = Server(answer)
        """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(before) + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.mark.slow
def test_without_descriptors_idle_connections_go_first() -> None:
    """If there is none, clients are told; afterwards all is as before."""
    assert (
        in_a_process("""
        server.start()
        idle = socket.create_connection(server.address, timeout=20)
        print(ask(idle))
        clients = [socket.socket() for _ in range(3)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        taken = []
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        for client in clients:
            client.settimeout(20)
            client.connect(server.address)
            if client is clients[0]:
                send(client, "/hang")
                hanging.wait()
                print(idle.recv(1))
            else:
                print(ask(client))
                end.set()
                if client is clients[1]:
                    print(status(clients[0]))
        server.stop()
        """)
        == "HTTP/1.1 200 OK\nb''\nHTTP/1.1 503 Service Unavailable\nHTTP/1.1 200 OK\nHTTP/1.1 200 OK\n"
    )


@pytest.mark.slow
def test_a_server_without_threads_says_so() -> None:
    """Requests are refused while the system gives no thread, and answered when it does again."""
    assert (
        in_a_process("""
        def forbid_threads():
            # Before any thread has had such a stack: the C library would give it to the next one.
            taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            threading.stack_size(64 * 1024 * 1024)
            resource.setrlimit(resource.RLIMIT_AS, (taken + 32 * 1024 * 1024, -1))

        forbid_threads()
        try:
            Server(answer).start()
        except RuntimeError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        threading.stack_size(0)
        server.start()
        forbid_threads()
        with socket.create_connection(server.address, timeout=20) as client:
            print(ask(client))
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        with socket.create_connection(server.address, timeout=20) as client:
            print(ask(client))
        server.stop()
        """)
        == "can't start new thread\nHTTP/1.1 503 Service Unavailable\nHTTP/1.1 200 OK\n"
    )
