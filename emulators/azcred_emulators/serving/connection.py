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

from azcred_emulators.serving.proxy import Proxy, Refused, split_target

Headers = list[tuple[str, str]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_LINGER = 1.0  # for a client that may still be sending
_MAXIMUM_LINE = 65536  # bytes
_MAXIMUM_HEADERS = 100
_AT_ONCE = struct.pack("ii", 1, 0)  # lingering for no time: what closes is reset
MAXIMUM_READ = 1024 * 1024  # bytes of a body; the application sees a larger one's length only
MAXIMUM_DISCARDED = 64 * 1024 * 1024


class Connection:
    """The requests of one connection, each given to the WSGI application.

    `proxy` passes on those for other servers. With `only_proxy` the client has to ask for a tunnel or a whole URL.
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
        """Answer requests until the client goes, asks to close, or sends what is no HTTP."""
        with self._input:
            try:
                while self._exchange():
                    pass
            except (BadRequest, Refused) as error:
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
        if self._proxy and "://" in target.partition("?")[0] and (to := self._proxy.elsewhere(target)):
            if unread:
                raise Refused("413 Content Too Large", f"azcred passes on bodies of up to {MAXIMUM_READ} bytes.")
            self._proxy.forward(self._connection, to, method, target, headers, body)
            return False
        answered: list[Any] = []

        def start_response(
            status: str, response_headers: list[tuple[str, str]], _: object = None
        ) -> Callable[..., Any]:
            answered[:] = [status, response_headers]
            return answered.append

        environ = self._environ(method, target, version, headers, body, length=len(body) + unread)
        keep = keep and not unread
        try:
            pieces = iter(self._application(environ, start_response))
            answer = next(pieces, b"")
            if _header(answered[1], "content-type").startswith("text/event-stream"):
                self._stream(answered[0], answered[1], chain([answer], pieces))
                return False
            if not _header(answered[1], "content-length"):
                answer += b"".join(pieces)
            self._send(answered[0], answered[1], b"" if method == "HEAD" else answer, close=not keep)
            for piece in pieces:
                self._connection.sendall(piece)
        except Disconnect as end:
            if end.reset:
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            return False
        except OSError:  # the client has gone
            raise
        except Exception:
            self._send("500 Internal Server Error", [], b"", close=True)
            raise  # a fault of the emulators, which the thread's excepthook reports
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
        """Return the body and how many bytes of it were left unread because it is larger than any served here."""
        if _header(headers, "transfer-encoding").lower() == "chunked":
            return self._chunks()
        length = _header(headers, "content-length") or "0"
        if not (length.isascii() and length.isdigit()):
            raise BadRequest("400 Bad Request", "The Content-Length is not a number.")
        if int(length) > MAXIMUM_READ:
            return b"", int(length)
        return self._input.read(int(length)), 0

    def _chunks(self) -> tuple[bytes, int]:
        """Return a body that comes in chunks; of one that is too large, the length at which it became so."""
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
        """Take in what a client is still sending, within bounds: a closed door would hide the answer from it."""
        left = min(unread, MAXIMUM_DISCARDED)
        while left > 0 and (piece := self._input.read(min(left, 65536))):
            left -= len(piece)

    def _discard_head(self) -> None:
        """Take in the rest of a head that is too long, up to the empty line at its end, for the same reason.

        A client that has sent no such line is not waited for: it may be waiting itself.
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
        asked, path, query = split_target(target)
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
        if asked:  # the absolute form, from a client that takes this server for a proxy
            environ["HTTP_HOST"] = asked
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        for name in ("HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):  # the body has been read and its length is known
            environ.pop(name, None)
        environ["CONTENT_LENGTH"] = str(length)
        environ["wsgi.input"] = BytesIO(body)
        return environ

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes, *, close: bool) -> None:
        """Write the answer at once: a small write after another waits for the client's acknowledgement."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if not any(name.lower() == "content-length" for name, _ in headers):
            lines.append(f"Content-Length: {len(body)}")
        if close:
            lines.append("Connection: close")
        self._connection.sendall("\r\n".join([*lines, "\r\n"]).encode("latin-1") + body)

    def _stream(self, status: str, headers: Headers, pieces: Iterable[bytes]) -> None:
        """Send an answer without an end of its own, which is over when the connection is."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        self._connection.sendall("\r\n".join([*lines, "\r\n"]).encode("latin-1"))
        for piece in pieces:
            self._connection.sendall(piece)


def _header(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


class Disconnect(Exception):
    """What an application raises to have the connection closed in place of an answer, or of the rest of one.

    With `reset` the client sees the connection reset, else it sees its end.
    """

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class BadRequest(Exception):
    """What a client sent is no HTTP that could be answered otherwise than with this status line.

    `unread` tells that the rest of its head is still to come.
    """

    def __init__(self, status: str, reason: str, *, unread: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.unread = unread
