"""A server of this machine to which requests are passed on as they are: raw, and with bodies of any length."""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, IncompleteRead

from azcred_emulators.clock import stopwatch
from azcred_emulators.serving.connection import Disconnect, wait_for
from azcred_emulators.serving.request_reader import Headers

_ANSWER = 60.0  # seconds
_IDLE = 3.0  # seconds after which a connection is not used again; Node.js closes its own after five
_PIECE = 65536
# They are of one connection (RFC 9110, section 7.6.1), or said anew.
_HOP_BY_HOP = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"}
)


class Upstream:
    """A server with TLS at a local address, to which connections are kept between requests."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self._address = address
        self._context = context
        self._idle: list[tuple[float, ssl.SSLSocket]] = []

    def send(
        self, method: str, target: str, headers: Headers, body: Iterable[bytes] = (), length: int | None = 0
    ) -> "UpstreamAnswer":
        """Send a request and return its answer, whose body is read as it is iterated over.

        `length` is that of the body, None if it is not known. Raises OSError or HTTPException if there is no answer,
        and what the body raises.
        """
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in end_to_end(headers))]
        lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
        connection = self._connection()
        try:
            pieces = iter(body)
            first = _chunk(next(pieces, b""), chunked=length is None)
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered without reading on
                connection.sendall("\r\n".join([*lines, "\r\n"]).encode("latin-1") + first)
                for piece in pieces:
                    connection.sendall(_chunk(piece, chunked=length is None))
                if length is None:
                    connection.sendall(b"0\r\n\r\n")
            return UpstreamAnswer(self, connection, method)
        except BaseException:
            connection.close()
            raise

    def take_back(self, connection: ssl.SSLSocket) -> None:
        """Keep a connection for another request."""
        self._idle.append((stopwatch(), connection))

    def close(self) -> None:
        """Close the connections."""
        while (kept := self._kept()) is not None:
            kept[1].close()

    def _kept(self) -> tuple[float, ssl.SSLSocket] | None:
        """Take a connection that is kept, None if there is none; several threads may look at once."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connection(self) -> ssl.SSLSocket:
        while (kept := self._kept()) is not None:
            since, connection = kept
            if stopwatch() - since < _IDLE and not wait_for(connection, 0):  # else the server has closed it
                return connection
            connection.close()
        plain = socket.create_connection(self._address, timeout=_ANSWER)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(plain, server_hostname=self._address[0])


class UpstreamAnswer:
    """An answer: iterating over it gives the pieces of its body, once."""

    def __init__(self, upstream: Upstream, connection: ssl.SSLSocket, method: str) -> None:
        self._upstream = upstream
        self._connection: ssl.SSLSocket | None = connection
        self._response = HTTPResponse(connection, method=method)
        self._response.begin()
        self.status: int = self._response.status
        self.reason: str = self._response.reason
        self.headers: Headers = self._response.headers.items()
        if self._response.length == 0:
            self.read()

    def header(self, name: str) -> str:
        """Return the value of a header, "" if there is none."""
        return self._response.headers.get(name, "")

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(self)

    def __iter__(self) -> Iterator[bytes]:
        try:
            while piece := self._response.read(_PIECE):
                yield piece
            if self._response.length:  # a read of so many bytes does not say that they end too early
                raise IncompleteRead(b"", self._response.length)
        except (OSError, HTTPException) as error:
            self._drop()
            raise Disconnect(reset=True) from error
        self.close()

    def close(self) -> None:
        """Keep the connection for another request if the body was read to its end, else close it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        complete = self._response.isclosed() and not self._response.will_close
        self._response.close()
        if complete:
            self._upstream.take_back(connection)
        else:
            connection.close()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._response.close()
        if connection is not None:
            connection.close()


def end_to_end(headers: Headers) -> Headers:
    """Return those headers that are passed on."""
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


def _chunk(piece: bytes, *, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece
