"""How the emulators are served: a thread per connection, HTTP/1.1 with keep-alive, one write per answer.

Werkzeug's development server closes every connection and writes in small pieces, and `serve_forever` takes
half a second to stop; fixtures need neither. benchmarks/ shows what this one reaches.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from io import BufferedReader, BytesIO
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from werkzeug.serving import DechunkedInput

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_HANDSHAKE_TIMEOUT = 10.0  # seconds
_BACKLOG = 1024
MAXIMUM_READ = 1024 * 1024  # bytes of a body; the application sees a larger one's length only
MAXIMUM_DISCARDED = 64 * 1024 * 1024


class Server:
    """Serves one WSGI application on one port until `stop`.

    `host` is the address to listen on, `port` 0 takes a free one; with `tls` the connections are HTTPS.
    """

    def __init__(
        self,
        application: WsgiApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.application = application
        self._tls = tls
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The address and port it listens on; raises RuntimeError before `start`."""
        if self._listener is None:
            raise RuntimeError("the server is not running; call start() first")
        host, port = self._listener.getsockname()[:2]
        return host, port

    @property
    def url(self) -> str:
        """The server's own address as a URL, without a slash at the end."""
        host, port = self.address
        return f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Listen; raises OSError if the port is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server(
            (self._host, self._port), family=family, backlog=_BACKLOG, reuse_port=False
        )
        self._acceptor = threading.Thread(
            target=self._accept, args=(self._listener,), name="azcred-accept", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Close the port and every connection, and wait for their threads to end."""
        listener, acceptor = self._listener, self._acceptor
        if listener is None or acceptor is None:
            return
        self._listener = self._acceptor = None
        address = listener.getsockname()[:2]
        # A connection of our own wakes the accepting thread on every platform; closing the socket does not.
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
            acceptor.join()
        listener.close()
        acceptor.join()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            # The plain socket's shutdown: that of an SSLSocket drops TLS under the thread that reads from it.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in connections.values():
            thread.join()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                continue
            if self._listener is None:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), name="azcred-connection", daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        accepted = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                connection.settimeout(_HANDSHAKE_TIMEOUT)
                connection = self._tls.wrap_socket(connection, server_side=True)
                connection.settimeout(None)
                self._exchange(accepted, connection)
            _Connection(connection, self)
        except OSError:  # the client has gone, or does not trust the certificate
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(connection, None)
                self._connections.pop(accepted, None)

    def _exchange(self, accepted: socket.socket, wrapped: socket.socket) -> None:
        """Remember the TLS socket in place of the plain one, which wrapping has detached."""
        with self._lock:
            self._connections[wrapped] = self._connections.pop(accepted, threading.current_thread())
            stopped = self._listener is None
        if stopped:
            wrapped.close()
            raise ConnectionAbortedError


class _Connection(BaseHTTPRequestHandler):
    """The requests of one connection, each given to the WSGI application."""

    protocol_version = "HTTP/1.1"
    rbufsize = 65536

    def __init__(self, connection: socket.socket, server: Server) -> None:
        self._application = server.application
        super().__init__(connection, connection.getpeername(), cast(Any, server))

    def handle_one_request(self) -> None:
        """Read one request, answer it, and leave the connection ready for the next."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            self.close_connection = True
            return
        if not self.parse_request():
            self.close_connection = True
            return
        try:
            body, unread = self._read_body()
        except (OSError, ValueError):
            self.send_error(400)
            self.close_connection = True
            return
        environ = self._environ(body, length=len(body) + unread)
        status: list[Any] = []

        def start_response(line: str, headers: list[tuple[str, str]], _: object = None) -> Callable[..., Any]:
            status[:] = [line, headers]
            return status.append

        chunks = self._application(environ, start_response)
        try:
            answer = b"".join(chunks)
        finally:
            if close := getattr(chunks, "close", None):
                close()
        self.close_connection = self.close_connection or unread > 0
        self._send(status[0], status[1], answer)
        self._discard(unread)

    def _read_body(self) -> tuple[bytes, int]:
        """Return the body and how many bytes of it were left unread because it is larger than any served here.

        Raises ValueError or OSError if its length or its chunks are malformed.
        """
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = BufferedReader(cast(Any, DechunkedInput(cast(Any, self.rfile)))).read(MAXIMUM_READ + 1)
            return (body, 0) if len(body) <= MAXIMUM_READ else (b"", len(body))
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise ValueError(length)
        if int(length) > MAXIMUM_READ:
            return b"", int(length)
        return self.rfile.read(int(length)), 0

    def _discard(self, unread: int) -> None:
        """Take in what a client is still sending, within bounds: a closed door would hide the answer from it."""
        left = min(unread, MAXIMUM_DISCARDED)
        while left > 0 and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)

    def _environ(self, body: bytes, *, length: int) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        if path.startswith(("http://", "https://")):  # a client that takes this server for a proxy
            path = "/" + path.partition("://")[2].partition("/")[2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443" if isinstance(self.connection, ssl.SSLSocket) else "80",
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if isinstance(self.connection, ssl.SSLSocket) else "http",
            "wsgi.errors": None,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ["CONTENT_LENGTH"] = str(length)
        environ["wsgi.input"] = BytesIO(body)
        return environ

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        lines = [f"HTTP/1.1 {status}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if not any(name.lower() == "content-length" for name, _ in headers):
            lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
        self.wfile.write(head + (b"" if self.command == "HEAD" else body))

    def log_message(self, *_: object) -> None:
        """Keep standard error to the program under test; the journal has every request."""
