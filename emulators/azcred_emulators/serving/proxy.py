"""An HTTP proxy that leads to the emulators and nowhere else, for processes whose sockets are not redirected.

Every SDK uses the proxy in its variables, and sends it requests for the real names of the token services and the
metadata service (RFC 9110, section 9.3.6, and RFC 9112, section 3.2.2). The proxy does not decrypt TLS: a tunnel leads
to a server that presents a certificate for the name.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from enum import Enum
from urllib.parse import unquote_to_bytes

from azcred_emulators.serving.urls import split_url

Address = tuple[str, int]
Headers = Iterable[tuple[str, str]]

_PORTS = {"http": 80, "https": 443}
_CONNECT_TIMEOUT = 10.0  # seconds; every target is on this machine
_PIECE = 65536
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_ONE_HOP = ("connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "transfer-encoding", "upgrade")


class ProxyRejection(Exception):
    """A request that the proxy does not pass on: the status line of its answer, and the reason in one sentence."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Passed(Enum):
    """What has become of a connection whose client asked for a tunnel."""

    BACK = "its next requests are for this server"
    GIVEN = "another server has it"
    ENDED = "its tunnel has ended"


class Proxy:
    """Passes requests on to the addresses of this machine that stand for their real destinations.

    `destination` returns the address for a real host and port, None if there is none; `http` and `https` return the
    addresses of the servers that the proxy is part of, and `adopt` gives a connection to the latter. `fault` returns
    another address for a tunnel if a fault of the network is due there, and raises OSError if the fault is that the
    connection fails.
    """

    def __init__(
        self,
        destination: Callable[[str, int], Address | None],
        *,
        http: Callable[[], Address | None] = lambda: None,
        https: Callable[[], Address | None] = lambda: None,
        adopt: Callable[[socket.socket], object] = lambda _: None,
        fault: Callable[[str, int], Address | None] = lambda _host, _port: None,
    ) -> None:
        self._destination = destination
        self._http = http
        self._https = https
        self._adopt = adopt
        self._fault = fault

    def tunnel(self, client: socket.socket, authority: str) -> Passed:
        """Answer `CONNECT host:port`: copy all data in both directions until one side ends.

        Nothing is copied if the destination is one of this proxy's own servers: the connection itself goes on there,
        and needs no thread while it is idle. Through a socket of the proxy it would also seem to come from this
        machine, whose clients may do more. Raises ProxyRejection if there is no such destination.
        """
        parts = split_url(f"//{authority}")
        if not parts.hostname or parts.port is None:
            raise ProxyRejection("400 Bad Request", f"A tunnel leads to a host and a port, not to {authority!r}.")
        address = self._target(parts.hostname, parts.port)
        if address == self._http():
            client.sendall(_ESTABLISHED)
            return Passed.BACK
        if address == self._https():
            client.sendall(_ESTABLISHED)
            self._adopt(client)
            return Passed.GIVEN
        with self._open(address) as server:
            client.settimeout(None)
            client.sendall(_ESTABLISHED)
            relay(client, server)
        return Passed.ENDED

    def other_server(self, url: str) -> Address | None:
        """Return the address for a request with an absolute URL, None if this server answers it.

        Raises ProxyRejection if there is no such destination.
        """
        parts = split_url(url)
        port = parts.port or _PORTS.get(parts.scheme)
        if not parts.hostname or port is None:
            raise ProxyRejection("400 Bad Request", "A request to a proxy has an http or https URL.")
        address = self._address(parts.hostname, port)
        return None if address in (self._http(), self._https()) else address

    def forward(self, client: socket.socket, to: Address, method: str, url: str, headers: Headers, body: bytes) -> None:
        """Pass on a request with an absolute http URL and copy the answer back; no further request may follow."""
        parts = split_url(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        passed = [(name, value) for name, value in headers if name.lower() not in (*_ONE_HOP, "content-length", "host")]
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {parts.netloc}",
            *(f"{name}: {value}" for name, value in passed),
        ]
        with self._open(to) as server:
            lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
            client.settimeout(None)
            server.sendall("\r\n".join(lines).encode("latin-1") + body)
            copy(server, client)

    def _target(self, host: str, port: int) -> Address:
        address = self._address(host, port)
        try:
            return self._fault(host.lower(), port) or address
        except OSError as error:
            raise ProxyRejection(
                "502 Bad Gateway", f"The connection to '{host}:{port}' failed ({error.strerror})."
            ) from None

    def _address(self, host: str, port: int) -> Address:
        address = self._destination(host, port)
        if address is None:
            raise ProxyRejection(
                "403 Forbidden",
                f"azcred refused a connection to '{host}:{port}', because nothing may leave this machine; put the "
                "host into NO_PROXY if it is a server of your own on this machine, or give it a route.",
            )
        return address

    def _open(self, address: Address) -> socket.socket:
        try:
            server = socket.create_connection(address, timeout=_CONNECT_TIMEOUT)
        except OSError as error:
            raise ProxyRejection(
                "502 Bad Gateway", f"Nothing answers at {address[0]}:{address[1]} ({error.strerror or error})."
            ) from None
        server.settimeout(None)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server


def relay(client: socket.socket, server: socket.socket) -> None:
    """Copy the data of two sockets to each other until both have ended."""
    back = threading.Thread(target=copy, args=(server, client), name="azcred-relay", daemon=True)
    back.start()
    copy(client, server)
    back.join()


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy the data of a socket to another until it ends, and end the other's input as well."""
    with contextlib.suppress(OSError):  # either may go at any moment
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def split_target(target: str) -> tuple[str, str, str]:
    """Return the host with its port, the path and the query of a request's target; the host is empty without a URL.

    The path is WSGI's: decoded, each byte a character.
    """
    path, _, query = target.partition("?")
    netloc = ""
    if "://" in path:
        netloc, _, rest = path.partition("://")[2].partition("/")
        path = f"/{rest}"
    return netloc, unquote_to_bytes(path).decode("latin-1"), query
