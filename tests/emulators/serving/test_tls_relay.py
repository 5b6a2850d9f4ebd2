"""A relay ends TLS for a server that has none, and passes on every byte, whatever it is."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from azcred_emulators.serving.tls import CertificateAuthority
from azcred_emulators.serving.tls_relay import TlsRelay, TlsRelays

HOST = "orders.contoso.com"
LARGE = os.urandom(3_000_000)  # more than the buffers of all sockets on the way


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    """The authority whose certificates the relay presents."""
    return CertificateAuthority()


@pytest.fixture
def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    """A client's context that trusts it."""
    return ssl.create_default_context(cadata=authority.pem)


@contextmanager
def plain_server(serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """Serve each connection on a thread, and wait for these at the end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(max_workers=200) as pool:

        def handle(connection: socket.socket) -> None:
            with connection:
                serve(connection)

        def accept() -> None:
            while not over.is_set():
                connection, _ = listener.accept()
                pool.submit(handle, connection)

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()
        finally:
            over.set()
            socket.create_connection(listener.getsockname()).close()
            accepting.join()


@contextmanager
def relayed(target: tuple[str, int], authority: CertificateAuthority, host: str = HOST) -> Iterator[tuple[str, int]]:
    """Run a relay."""
    relay = TlsRelay(host, target, authority.issue)
    relay.start()
    try:
        yield relay.address
    finally:
        relay.stop()


def everything(connection: socket.socket) -> bytes:
    """Return all that comes until the other side ends."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def echo(connection: socket.socket) -> None:
    """Send back what comes, at once."""
    while piece := connection.recv(65536):
        connection.sendall(piece)


def swallow(connection: socket.socket) -> None:
    """Read to the end, then say how much it was."""
    connection.sendall(str(len(everything(connection))).encode())


def test_large_data_in_both_directions_at_once(authority: CertificateAuthority, trusting: ssl.SSLContext) -> None:
    """Neither direction waits for the other."""
    with (
        plain_server(echo) as target,
        relayed(target, authority) as address,
        socket.create_connection(address, timeout=30) as plain,
        trusting.wrap_socket(plain, server_hostname=HOST) as client,
    ):
        received = b""
        for start in range(0, len(LARGE), 100_000):  # a client that reads less than it writes fills every buffer
            client.sendall(LARGE[start : start + 100_000])
            received += client.recv(65536)
        while len(received) < len(LARGE):
            received += client.recv(65536)
        assert received == LARGE


def test_the_end_of_one_direction_is_not_that_of_the_other(authority: CertificateAuthority) -> None:
    """A client without TLS that has sent everything still gets the answer."""
    with (
        plain_server(swallow) as target,
        relayed(target, authority) as address,
        socket.create_connection(address, timeout=30) as client,
    ):
        client.sendall(LARGE)
        client.shutdown(socket.SHUT_WR)
        assert everything(client) == str(len(LARGE)).encode()


def test_the_end_of_a_servers_answer_is_said_in_tls(authority: CertificateAuthority, trusting: ssl.SSLContext) -> None:
    """A client that insists on TLS's own goodbye can tell the end from a connection that broke off."""

    def answer(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"to the end")

    with (
        plain_server(answer) as target,
        relayed(target, authority) as address,
        socket.create_connection(address, timeout=30) as plain,
        trusting.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as client,
    ):
        client.sendall(b"?")
        assert everything(client) == b"to the end"


def test_a_server_that_speaks_first(authority: CertificateAuthority) -> None:
    """As some databases do; their clients do not begin with TLS."""

    def greet(connection: socket.socket) -> None:
        connection.sendall(b"welcome")
        assert connection.recv(10) == b"thanks"

    with (
        plain_server(greet) as target,
        relayed(target, authority) as address,
        socket.create_connection(address, timeout=30) as client,
    ):
        assert client.recv(10) == b"welcome"
        client.sendall(b"thanks")
        assert everything(client) == b""


@pytest.mark.parametrize("names_the_server", [True, False], ids=["SNI", "no SNI"])
def test_the_certificate_is_for_the_host(
    authority: CertificateAuthority, trusting: ssl.SSLContext, names_the_server: bool
) -> None:
    """A client that looks for an IP address names no server in its hello."""
    host = HOST if names_the_server else "10.1.2.3"
    with (
        plain_server(echo) as target,
        relayed(target, authority, host) as address,
        socket.create_connection(address, timeout=30) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as client,
    ):
        certificate = client.getpeercert()
        assert certificate is not None
        assert certificate["subjectAltName"] == (("DNS" if names_the_server else "IP Address", host),)


def test_http_2_is_not_agreed_on(authority: CertificateAuthority, trusting: ssl.SSLContext) -> None:
    """The plain server would not understand it."""
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    with (
        plain_server(echo) as target,
        relayed(target, authority) as address,
        socket.create_connection(address, timeout=30) as plain,
        trusting.wrap_socket(plain, server_hostname=HOST) as client,
    ):
        assert client.selected_alpn_protocol() == "http/1.1"


def test_a_client_that_does_not_trust_it(authority: CertificateAuthority, trusting: ssl.SSLContext) -> None:
    """It fails as with a real server, and the next client is served."""
    with plain_server(echo) as target, relayed(target, authority) as address:
        with socket.create_connection(address, timeout=30) as plain, pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(plain, server_hostname=HOST)
        with socket.create_connection(address, timeout=30) as garbled:
            garbled.sendall(b"\x16 this is no handshake" * 100)
            with suppress(ConnectionResetError):  # or a mere end, if nothing was left unread
                everything(garbled)
        with (
            socket.create_connection(address, timeout=30) as plain,
            trusting.wrap_socket(plain, server_hostname=HOST) as client,
        ):
            client.sendall(b"ping")
            assert client.recv(4) == b"ping"


@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
@pytest.mark.parametrize("length", [0, 1_000_000])
def test_a_server_that_is_not_there(
    authority: CertificateAuthority, trusting: ssl.SSLContext, tls: bool, length: int
) -> None:
    """The client is told so at once, also one that sends a large body first."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        target = gone.getsockname()
    with relayed(target, authority) as address, socket.create_connection(address, timeout=30) as plain:
        client = trusting.wrap_socket(plain, server_hostname=HOST) if tls else plain
        with client:
            client.sendall(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n".encode())
            client.sendall(bytes(length))
            head, _, body = everything(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert body.decode() == (
        f"azcred routes {HOST} to 127.0.0.1:{target[1]}, where nothing answers ({os.strerror(errno.ECONNREFUSED)}).\n"
    )


def test_a_hundred_connections_on_one_thread(authority: CertificateAuthority, trusting: ssl.SSLContext) -> None:
    """Half of them say nothing, and delay nobody."""
    earlier = relay_threads()
    with plain_server(echo) as target, relayed(target, authority) as address:
        idle = [socket.create_connection(address, timeout=30) for _ in range(50)]
        for number in range(50):
            with (
                socket.create_connection(address, timeout=30) as plain,
                trusting.wrap_socket(plain, server_hostname=HOST) as client,
            ):
                client.sendall(str(number).encode())
                assert client.recv(10) == str(number).encode()
        assert len(relay_threads() - earlier) == 1
        for connection in idle:
            connection.close()


def test_nothing_is_left(authority: CertificateAuthority, trusting: ssl.SSLContext) -> None:
    """Threads, ports and connections, open ones too, end with the relays, which can be used again afterwards."""
    relays = TlsRelays(authority.issue)
    before, earlier = open_sockets(), relay_threads()
    with plain_server(echo) as target:
        address = relays.address(HOST, target)
        assert relays.address(HOST, target) == address
        assert relays.address("other.contoso.com", target) != address
        with (
            socket.create_connection(address, timeout=30) as plain,
            trusting.wrap_socket(plain, server_hostname=HOST) as client,
            socket.create_connection(address, timeout=30) as silent,
        ):
            client.sendall(b"ping")
            assert client.recv(4) == b"ping"
            relays.stop()
            for end in (client, silent):
                with suppress(ConnectionResetError):  # or a mere end, if nothing was left unread
                    assert everything(end) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
    relays.stop()
    assert open_sockets() <= before
    assert relay_threads() <= earlier


def relay_threads() -> set[threading.Thread]:
    """Return the threads of relays; other tests' emulators may have some, too."""
    return {thread for thread in threading.enumerate() if thread.name == "azcred-tls-relay"}


def open_sockets() -> set[str]:
    """Return the sockets that this process has open, where the system says which."""
    folder = Path("/proc/self/fd")
    files = [str(file) for file in folder.iterdir()] if folder.is_dir() else []
    targets = {os.readlink(file) for file in files if os.path.lexists(file)}
    return {target for target in targets if target.startswith("socket:")}
