"""The HTTP server of the emulators: a thread per connection, HTTP/1.1 with keep-alive, one write per answer.

Werkzeug's development server closes every connection and writes in small pieces, and `serve_forever` takes
half a second to stop. benchmarks/ measures this one.
"""

import contextlib
import socket
import ssl
import threading

from azcred_emulators.clock import stopwatch
from azcred_emulators.serving.connection import Connection, WsgiApplication
from azcred_emulators.serving.proxy import Proxy

_HANDSHAKE = b"\x16"  # what a connection in TLS starts with (RFC 8446, section 5.1)
_HANDSHAKE_TIMEOUT = 10.0  # seconds
_PATIENCE = 2.0  # seconds for unfinished answers when the server stops
_BACKLOG = 1024


class Server:
    """Serves one WSGI application on one port until `stop`.

    `host` is the address to listen on, `port` 0 takes a free one; with `tls` the connections are HTTPS. `proxy` passes
    on the requests of clients that use the server as a proxy, without TLS; if there is none, the application answers
    them. `name` is the host name in the server's URL, by default the address.
    """

    def __init__(
        self,
        application: WsgiApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
        name: str | None = None,
    ) -> None:
        self._name = name
        self.application = application
        self._proxy = proxy
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
        host = self._name or host
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
        """Close the port and every connection, once its request is answered, and wait for their threads to end."""
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
        for how, patience in ((socket.SHUT_RD, _PATIENCE), (socket.SHUT_RDWR, None)):
            with self._lock:
                connections = dict(self._connections)
            for connection in connections:
                # The plain socket's shutdown: that of an SSLSocket drops TLS under the thread that reads from it.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, how)
            until = stopwatch() + (patience or 0)
            for thread in connections.values():
                thread.join(None if patience is None else max(0, until - stopwatch()))

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
                if self._listener is None:
                    connection.close()
                    return
            except OSError:  # the client has disconnected already
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), name="azcred-connection", daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                Connection(connection, self.application, self._proxy).serve()
                return
            connection.settimeout(_HANDSHAKE_TIMEOUT)
            if connection.recv(1, socket.MSG_PEEK) == _HANDSHAKE:
                connection = self._encrypted(connection, self._tls)
                connection.do_handshake()
                connection.settimeout(None)
                Connection(connection, self.application, None).serve()
            else:
                connection.settimeout(None)
                Connection(connection, self.application, self._proxy, only_proxy=True).serve()
        except OSError:  # the client has disconnected, or does not trust the certificate
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(connection, None)

    def _encrypted(self, plain: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        """Replace a plain connection by one with TLS, before the handshake; raises OSError if the server stops."""
        with self._lock:
            if self._listener is None:
                raise ConnectionAbortedError
            thread = self._connections.pop(plain)
            connection = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self._connections[connection] = thread
        return connection
