"""One connection of a client: HTTP/1.1 with keep-alive, one write per answer, each request for a WSGI application.

A worker takes it as far as it gets without waiting for the client, and then it goes back to those that wait together.
"""

import select
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from functools import partial
from io import BytesIO
from itertools import chain
from typing import Any

from azcred_emulators.clock import stopwatch
from azcred_emulators.serving.limits import Limits
from azcred_emulators.serving.proxy import Passed, Proxy, ProxyRejection, split_target
from azcred_emulators.serving.request_reader import (
    MAXIMUM_READ,
    BadRequest,
    Headers,
    HttpRequest,
    RequestReader,
    Stage,
    header,
)
from azcred_emulators.serving.unread_body import UnreadBody
from azcred_emulators.serving.websocket import Upgrade, WebSocket, WebSocketClosed

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

MAXIMUM_DISCARDED = 64 * 1024 * 1024
_HANDSHAKE = b"\x16"  # what a connection in TLS starts with (RFC 8446, section 5.1)
_PIECE = 65536
_SLICE = 0.1  # seconds after which a worker looks again at a client that takes nothing
_RESET = struct.pack("ii", 1, 0)  # linger for no time: closing the socket resets the connection


class Next(Enum):
    """What is to become of a connection that a worker has left."""

    WAIT = "until the client sends something, or until the deadline"
    CLOSE = "close it"
    GIVEN = "another server has it"


class _Phase(Enum):
    NEW = "nothing is known"
    HANDSHAKE = "of TLS"
    REQUESTS = "requests"
    DISCARDING = "what the client still sends is of no interest"


class Connection:
    """The requests of one connection, each of which the WSGI application answers.

    With `tls` it is encrypted, unless its client takes it for a proxy. `proxy` passes on requests for other servers.
    `deadline`, by the stopwatch, is when the client must have sent what is due; None if nothing is.
    """

    def __init__(
        self,
        plain: socket.socket,
        application: WsgiApplication,
        limits: Limits,
        *,
        proxy: Proxy | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.socket: socket.socket = plain
        self.ending: bool = False  # the server stops: this request is the last
        self.deadline: float | None = stopwatch() + limits.head
        self._application = application
        self._limits = limits
        self._proxy = proxy
        self._tls = tls
        self._only_proxy = tls is not None
        self._reader = RequestReader()
        self._phase = _Phase.REQUESTS if tls is None else _Phase.NEW
        self._timed: object = Stage.IDLE  # what the deadline is for
        self._asked = False  # whether there was a request
        self._discarded = 0
        self._peer = plain.getpeername()[0]
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setblocking(False)

    @property
    def is_idle(self) -> bool:
        """Whether no request would be lost with the connection."""
        return self._phase in (_Phase.NEW, _Phase.DISCARDING) or (
            self._phase is _Phase.REQUESTS and self._reader.stage is Stage.IDLE
        )

    def advance(self, may_linger: Callable[[], bool]) -> Next:
        """Do all that can be done now that the client has sent something.

        `may_linger` tells whether there is time to wait a moment for more. Raises OSError if the client has gone;
        what else the application raises, after an answer with status 500.
        """
        if self._phase is _Phase.DISCARDING:
            return self._discard()
        try:
            if self._phase is not _Phase.REQUESTS and not self._encrypt() and not self._encrypt_soon(may_linger):
                return self._wait(self._phase)
            return self._exchange(may_linger)
        except (BadRequest, ProxyRejection) as error:
            return self.refuse(error.status, str(error))

    def expire(self) -> Next:
        """Do what is due at the deadline."""
        stage = self._reader.stage
        if self._phase is not _Phase.REQUESTS or stage is Stage.IDLE:
            return Next.CLOSE
        seconds = self._limits.head if stage is Stage.HEAD else self._limits.body
        return self.refuse("408 Request Timeout", f"The request did not arrive within {seconds:g} s.")

    def refuse(self, status: str, reason: str) -> Next:
        """Answer what is no request, or one too many; what the client still sends is discarded.

        Nothing is sent before a TLS handshake.
        """
        if self._phase in (_Phase.NEW, _Phase.HANDSHAKE):
            return Next.CLOSE
        self._send(status, [("Content-Type", "text/plain")], reason.encode(), close=True)
        return self._hang_up()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def shut_down(self, how: int) -> None:
        """End input, or both directions, under the worker that is busy with the connection."""
        self.ending = True
        with suppress(OSError):  # the plain socket's shutdown: that of an SSLSocket drops TLS under who reads from it
            socket.socket.shutdown(self.socket, how)

    def _wait(self, timed: object) -> Next:
        """Wait with the others; a deadline that has been set for the same thing stays."""
        if timed is not self._timed:
            self._timed = timed
            seconds = {
                Stage.IDLE: None if self._asked else self._limits.head,
                Stage.HEAD: self._limits.head,
                Stage.BODY: self._limits.body,
                _Phase.HANDSHAKE: self._limits.handshake,
                _Phase.DISCARDING: self._limits.body,
            }.get(timed)  # type: ignore[call-overload]
            self.deadline = None if seconds is None else stopwatch() + seconds
        return Next.WAIT

    def _receive(self) -> bytes | None:
        """Return what the client has sent, b"" at its end, None if that is nothing yet."""
        try:
            return self.socket.recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def _encrypt(self) -> bool:
        """Take the TLS handshake as far as it goes, unless the client speaks to a proxy; tell whether it is done."""
        if self._phase is _Phase.NEW:
            try:
                first = self.socket.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return False
            if first != _HANDSHAKE:
                self._phase = _Phase.REQUESTS
                return True
            if self._tls is None:
                raise ConnectionAbortedError
            self._proxy, self._only_proxy = None, False
            self.socket = self._tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self._phase = _Phase.HANDSHAKE
        try:
            self.socket.do_handshake()  # type: ignore[attr-defined]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        self._phase = _Phase.REQUESTS
        return True

    def _encrypt_soon(self, may_linger: Callable[[], bool]) -> bool:
        """Go on with the handshake, or with what follows it, if the client is as quick as most."""
        return may_linger() and wait_for(self.socket, self._limits.linger) and self._encrypt()

    def _exchange(self, may_linger: Callable[[], bool]) -> Next:
        """Read requests and answer them until the client must be waited for."""
        reader, lingered, first = self._reader, False, True
        while not self.ending:
            request = reader.next()
            if request is not None:
                outcome = self._answer(request)
                if outcome is not Next.WAIT or (request.unread and self._phase is _Phase.DISCARDING):
                    return outcome
                lingered, self._asked = False, True
                self._timed = self.deadline = None
                continue
            if reader.take_expectation():
                self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if not first and not self._pending():
                if lingered or reader.stage is Stage.HEAD or not may_linger():
                    return self._wait(reader.stage)
                lingered = True
                if not wait_for(self.socket, self._limits.linger):
                    return self._wait(reader.stage)
            first = False
            data = self._receive()
            if data is None:
                return self._wait(reader.stage)
            if not data:
                return Next.CLOSE
            reader.feed(data)
        return Next.CLOSE

    def _pending(self) -> bool:
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def _answer(self, request: HttpRequest) -> Next:
        """Answer one request; returns WAIT if another may follow."""
        proxied = "://" in request.target.partition("?")[0]
        if self._proxy:
            if request.method == "CONNECT":
                self._only_proxy = False
                if self._reader.stage is not Stage.IDLE:
                    raise BadRequest("400 Bad Request", "A tunnel is used only after it has been established.")
                return self._passed(self._proxy.tunnel(self.socket, request.target))
            if proxied and (address := self._proxy.other_server(request.target)):
                if request.unread:
                    reason = f"azcred passes on bodies of up to {MAXIMUM_READ} bytes."
                    raise ProxyRejection("413 Content Too Large", reason)
                self._proxy.forward(self.socket, address, request.method, request.target, request.headers, request.body)
                return Next.CLOSE
        if self._only_proxy and not proxied:
            raise BadRequest("400 Bad Request", "This port speaks HTTPS; without TLS it is a proxy and nothing else.")
        return self._apply(request)

    def _passed(self, passed: Passed) -> Next:
        if passed is Passed.BACK:
            self.socket.setblocking(False)
            return Next.WAIT
        return Next.GIVEN if passed is Passed.GIVEN else Next.CLOSE

    def _apply(self, request: HttpRequest) -> Next:
        """Let the application answer."""
        head: list[Any] = []

        def start_response(
            status: str, response_headers: list[tuple[str, str]], _: object = None
        ) -> Callable[..., Any]:
            head[:] = [status, response_headers]
            return head.append

        answered: Iterable[bytes] = ()
        try:
            answered = self._application(self._environ(request), start_response)
            pieces = iter(answered)
            answer = next(pieces, b"")
            if header(head[1], "content-type").startswith("text/event-stream"):
                self._stream(head[0], head[1], chain([answer], pieces))
                return Next.CLOSE
            if not header(head[1], "content-length"):
                answer += b"".join(pieces)
            keep = request.keep and not self.ending and not (request.unread and self._reader.has_unread)
            self._send(head[0], head[1], b"" if request.method == "HEAD" else answer, close=not keep)
            for piece in pieces:
                self._write(piece)
        except Upgrade as upgrade:
            return self._upgrade(upgrade)
        except Disconnect as end:
            if end.reset:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return Next.CLOSE
        except (OSError, BadRequest):  # the client has gone, or what it sends as a body is none
            raise
        except Exception:
            self._send("500 Internal Server Error", [], b"", close=True)
            raise  # a defect of the emulators, which the server reports
        finally:
            if close := getattr(answered, "close", None):
                close()
        if request.unread and self._reader.has_unread:
            return self._hang_up()
        return Next.WAIT if keep else Next.CLOSE

    def _upgrade(self, upgrade: Upgrade) -> Next:
        """Go on as a websocket until that ends."""
        self._write(upgrade.head)
        self.socket.setblocking(True)
        websocket = WebSocket(self.socket, self._reader.take_rest())
        with suppress(WebSocketClosed):
            upgrade.serve(websocket)
        websocket.close()
        return Next.CLOSE

    def _environ(self, request: HttpRequest) -> dict[str, Any]:
        host, path, query = split_target(request.target)
        encrypted = isinstance(self.socket, ssl.SSLSocket)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "REQUEST_URI": request.target,
            "azcred.headers": request.headers,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": self._peer,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443" if encrypted else "80",
            "SERVER_PROTOCOL": request.version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if encrypted else "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        if host:  # the absolute form, from a client that takes this server for a proxy
            environ["HTTP_HOST"] = host
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        for name in ("HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):  # the body has been read
            environ.pop(name, None)
        environ["CONTENT_LENGTH"] = str(len(request.body) + request.unread)
        environ["wsgi.input"] = (
            UnreadBody(partial(self._next_piece, request)) if request.unread else BytesIO(request.body)
        )
        return environ

    def _next_piece(self, request: HttpRequest) -> bytes:
        """Wait for the next bytes of a body that was not read ahead; returns b"" at its end.

        Raises BadRequest if they are malformed or do not come in time, and Disconnect if the client has gone.
        """
        reader, since = self._reader, stopwatch()
        if request.expects_continue:
            request.expects_continue = False
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while (piece := reader.piece()) is None:
            if stopwatch() - since > self._limits.body:
                raise BadRequest("408 Request Timeout", f"The body stopped for {self._limits.body:g} s.")
            try:
                data = self._receive()
            except OSError:
                data = b""
            if data:
                reader.feed(data)
            elif data is None:
                wait_for(self.socket, _SLICE)
            else:
                raise Disconnect
        return piece

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes, *, close: bool) -> None:
        """Write the answer in one piece: a second small write would wait for the client's acknowledgement."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if not any(name.lower() == "content-length" for name, _ in headers):
            lines.append(f"Content-Length: {len(body)}")
        if close:
            lines.append("Connection: close")
        self._write("\r\n".join([*lines, "\r\n"]).encode("latin-1") + body)

    def _stream(self, status: str, headers: Headers, pieces: Iterable[bytes]) -> None:
        """Send an answer of unknown length, which ends with the connection."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        self._write("\r\n".join([*lines, "\r\n"]).encode("latin-1"))
        for piece in pieces:
            self._write(piece)

    def _write(self, data: bytes) -> None:
        """Send all of the data; raises OSError if the client takes none for too long, or the server has stopped."""
        if (sent := self._send_some(data)) == len(data):
            return
        left, since = memoryview(data)[sent:], stopwatch()
        while left:
            if sent := self._send_some(left):
                left, since = left[sent:], stopwatch()
            elif stopwatch() - since > self._limits.write:
                raise ConnectionAbortedError

    def _send_some(self, data: bytes | memoryview) -> int:
        try:
            return self.socket.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            wait_for(self.socket, _SLICE, to_write=True)
            return 0

    def _hang_up(self) -> Next:
        """End the output, and discard what the client still sends: it might not read its answer otherwise."""
        try:
            socket.socket.shutdown(self.socket, socket.SHUT_WR)
        except OSError:
            return Next.CLOSE
        self._phase = _Phase.DISCARDING
        return self._wait(self._phase)

    def _discard(self) -> Next:
        while piece := self._receive():
            self._discarded += len(piece)
            if self._discarded > MAXIMUM_DISCARDED:
                return Next.CLOSE
            if not self._pending():
                return self._wait(self._phase)
        return Next.CLOSE if piece == b"" else self._wait(self._phase)


def wait_for(connection: socket.socket, seconds: float, *, to_write: bool = False) -> bool:
    """Wait until data can be read or written; tell whether it can within so many seconds."""
    if not hasattr(select, "poll"):  # Windows, where a descriptor is no index and may be any number
        reading, writing = ([], [connection]) if to_write else ([connection], [])
        return any(select.select(reading, writing, (), seconds))
    poll = select.poll()
    poll.register(connection, select.POLLOUT if to_write else select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Disconnect(Exception):
    """Raised by an application to close the connection instead of answering, or in the middle of an answer.

    With `reset` the client sees a reset connection, else its end.
    """

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset
