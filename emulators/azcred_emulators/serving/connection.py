"""One connection of a client: HTTP/1.1 with keep-alive, one write per answer, each request for a WSGI application."""

import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import chain
from typing import Any

from azcred_emulators.serving.proxy import Proxy, ProxyRejection, split_target

Headers = list[tuple[str, str]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_LINGER = 1.0  # for a client that may still be sending
_MAXIMUM_LINE = 65536  # bytes
_MAXIMUM_HEADERS = 100
_RESET = struct.pack("ii", 1, 0)  # linger for no time: closing the socket resets the connection
MAXIMUM_READ = 1024 * 1024  # bytes of a body; the application sees a larger one's length only
MAXIMUM_DISCARDED = 64 * 1024 * 1024


class Connection:
    """The requests of one connection, each of which the WSGI application answers.

    `proxy` passes on those for other servers. With `only_proxy` the client must request a tunnel or an absolute URL.
    """

    def __init__(
        self, connection: socket.socket, application: WsgiApplication, proxy: Proxy | None, *, only_proxy: bool = False
    ) -> None:
        self._connection = connection
        self._proxy = proxy
        self._only_proxy = only_proxy
        self._application = application
        self._input = connection.makefile("rb", 65536)
        self._encrypted = isinstance(connection, ssl.SSLSocket)
        self._peer = connection.getpeername()[0]

    def serve(self) -> None:
        """Answer requests until the client disconnects, asks to close, or sends something that is not HTTP."""
        with self._input:
            try:
                while self._exchange():
                    pass
            except (BadRequest, ProxyRejection) as error:
                self._send(error.status, [("Content-Type", "text/plain")], str(error).encode(), close=True)
                if error.unread:
                    self._discard_head()

    def _exchange(self) -> bool:
        """Read one request and answer it; tell whether another may follow."""
        first = self._line()
        if not first:
            return False
        words = first.split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest("400 Bad Request", "The request line is malformed.")
        method, target, version = words
        headers = self._headers()
        connection = _header(headers, "connection").lower()
        keep = "close" not in connection and (version != "HTTP/1.0" or "keep-alive" in connection)
        if _header(headers, "expect").lower() == "100-continue":
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._proxy and method == "CONNECT":
            self._only_proxy = False
            return self._proxy.tunnel(self._connection, target)
        if self._only_proxy and "://" not in target.partition("?")[0]:
            raise BadRequest("400 Bad Request", "This port speaks HTTPS; without TLS it is a proxy and nothing else.")
        body, unread = self._body(headers)
        if self._proxy and "://" in target.partition("?")[0] and (address := self._proxy.other_server(target)):
            if unread:
                raise ProxyRejection("413 Content Too Large", f"azcred passes on bodies of up to {MAXIMUM_READ} bytes.")
            self._proxy.forward(self._connection, address, method, target, headers, body)
            return False
        head: list[Any] = []

        def start_response(
            status: str, response_headers: list[tuple[str, str]], _: object = None
        ) -> Callable[..., Any]:
            head[:] = [status, response_headers]
            return head.append

        environ = self._environ(method, target, version, headers, body, length=len(body) + unread)
        keep = keep and not unread
        try:
            pieces = iter(self._application(environ, start_response))
            answer = next(pieces, b"")
            if _header(head[1], "content-type").startswith("text/event-stream"):
                self._stream(head[0], head[1], chain([answer], pieces))
                return False
            if not _header(head[1], "content-length"):
                answer += b"".join(pieces)
            self._send(head[0], head[1], b"" if method == "HEAD" else answer, close=not keep)
            for piece in pieces:
                self._connection.sendall(piece)
        except Disconnect as end:
            if end.reset:
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return False
        except OSError:  # the client has gone
            raise
        except Exception:
            self._send("500 Internal Server Error", [], b"", close=True)
            raise  # a defect of the emulators, which the thread's excepthook reports
        self._discard(unread)
        return keep

    def _line(self) -> str:
        line = self._input.readline(_MAXIMUM_LINE + 1)
        if len(line) > _MAXIMUM_LINE:
            raise BadRequest("431 Request Header Fields Too Large", "A line of the request is too long.", unread=True)
        return line.rstrip(b"\r\n").decode("latin-1")

    def _headers(self) -> Headers:
        headers: Headers = []
        for _ in range(_MAXIMUM_HEADERS):
            line = self._line()
            if not line:
                return headers
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise BadRequest("400 Bad Request", "A header of the request is malformed.")
            headers.append((name, value.strip()))
        raise BadRequest("431 Request Header Fields Too Large", "The request has too many headers.", unread=True)

    def _body(self, headers: Headers) -> tuple[bytes, int]:
        """Return the body, or, if it is too large, an empty one and the number of bytes that were left unread."""
        if _header(headers, "transfer-encoding").lower() == "chunked":
            return self._chunks()
        length = _header(headers, "content-length") or "0"
        if not (length.isascii() and length.isdigit()):
            raise BadRequest("400 Bad Request", "The Content-Length is not a number.")
        if int(length) > MAXIMUM_READ:
            return b"", int(length)
        return self._input.read(int(length)), 0

    def _chunks(self) -> tuple[bytes, int]:
        """Return a body that comes in chunks; if it is too large, an empty one and the length at which it became so."""
        body = b""
        while True:
            size = self._line().partition(";")[0].strip()
            if not size or set(size) - set("0123456789abcdefABCDEF"):
                raise BadRequest("400 Bad Request", "The chunks of the body are malformed.")
            length = int(size, 16)
            if len(body) + length > MAXIMUM_READ:
                return b"", len(body) + length
            body += self._input.read(length)
            if self._line():  # a chunk ends with an empty line, and so do the trailers after the last
                raise BadRequest("400 Bad Request", "The chunks of the body are malformed.")
            if not length:
                return body, 0

    def _discard(self, unread: int) -> None:
        """Read what a client is still sending, within bounds: it might not read the answer of a closed connection."""
        left = min(unread, MAXIMUM_DISCARDED)
        while left > 0 and (piece := self._input.read(min(left, 65536))):
            left -= len(piece)

    def _discard_head(self) -> None:
        """Read the rest of a head that is too long, up to the empty line at its end, for the same reason.

        This does not wait for a client that has sent no such line: it may be waiting itself.
        """
        self._connection.settimeout(_LINGER)
        left, line = MAXIMUM_DISCARDED, b"\n"
        with contextlib.suppress(TimeoutError):
            while left > 0 and (piece := self._input.readline(_MAXIMUM_LINE)):
                if line.endswith(b"\n") and not piece.strip(b"\r\n"):
                    return
                left, line = left - len(piece), piece

    def _environ(
        self, method: str, target: str, version: str, headers: Headers, body: bytes, *, length: int
    ) -> dict[str, Any]:
        host, path, query = split_target(target)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": self._peer,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443" if self._encrypted else "80",
            "SERVER_PROTOCOL": version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if self._encrypted else "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        if host:  # the absolute form, from a client that takes this server for a proxy
            environ["HTTP_HOST"] = host
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        for name in ("HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):  # the body has been read
            environ.pop(name, None)
        environ["CONTENT_LENGTH"] = str(length)
        environ["wsgi.input"] = BytesIO(body)
        return environ

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes, *, close: bool) -> None:
        """Write the answer in one piece: a second small write would wait for the client's acknowledgement."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if not any(name.lower() == "content-length" for name, _ in headers):
            lines.append(f"Content-Length: {len(body)}")
        if close:
            lines.append("Connection: close")
        self._connection.sendall("\r\n".join([*lines, "\r\n"]).encode("latin-1") + body)

    def _stream(self, status: str, headers: Headers, pieces: Iterable[bytes]) -> None:
        """Send an answer of unknown length, which ends with the connection."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        self._connection.sendall("\r\n".join([*lines, "\r\n"]).encode("latin-1"))
        for piece in pieces:
            self._connection.sendall(piece)


def _header(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


class Disconnect(Exception):
    """Raised by an application to close the connection instead of answering, or in the middle of an answer.

    With `reset` the client sees a reset connection, else its end.
    """

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class BadRequest(Exception):
    """A request that is malformed or too large, with the status line of its answer.

    `unread` means that the rest of its head has not been read.
    """

    def __init__(self, status: str, reason: str, *, unread: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.unread = unread
