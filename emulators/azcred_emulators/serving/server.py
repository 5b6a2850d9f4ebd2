"""The HTTP server of the emulators: one thread for all connections that wait, and workers for those with a request.

Werkzeug's development server closes every connection and writes in small pieces, and `serve_forever` takes
half a second to stop. benchmarks/ measures this one.
"""

import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from azcred_emulators.serving.acceptor import Acceptor
from azcred_emulators.serving.connection import Connection, WsgiApplication
from azcred_emulators.serving.limits import Limits
from azcred_emulators.serving.proxy import Proxy

_BACKLOG = 1024
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # how this machine reaches who listens everywhere


class Server:
    """Serves one WSGI application on one port until `stop`.

    `host` is the address to listen on, `port` 0 takes a free one; with `tls` the connections are HTTPS. `proxy` passes
    on the requests of clients that use the server as a proxy, without TLS; if there is none, the application answers
    them. `name` is the host name in the server's URL, by default the address, or loopback's if that stands for all
    addresses of this machine. `limits` are what clients may take of it.
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
        limits: Limits | None = None,
    ) -> None:
        self._name = name
        self.application = application
        self._proxy = proxy
        self._tls = tls
        self._host = host
        self._port = port
        self._limits = limits or Limits()
        self._address = ("", 0)
        self._acceptor: Acceptor | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The address and port at which this machine reaches it; raises RuntimeError before `start`."""
        if self._acceptor is None:
            raise RuntimeError("the server is not running; call start() first")
        return self._address

    @property
    def url(self) -> str:
        """The server's own address as a URL, without a slash at the end."""
        host, port = self.address
        host = self._name or host
        return f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Listen; raises OSError if the port is taken, RuntimeError if the system gives no thread."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self._port), family=family, backlog=_BACKLOG, reuse_port=False)
        host, port = listener.getsockname()[:2]
        self._address = _LOOPBACK.get(host, host), port
        acceptor = Acceptor(listener, self._connection, self._limits)
        acceptor.start()
        self._acceptor = acceptor

    def stop(self) -> None:
        """Close the port and every connection, once its request is answered, and wait for their threads to end."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.stop()

    def adopt(self, client: socket.socket) -> None:
        """Take over a connection that another server has accepted; raises OSError if this one does not run."""
        if self._acceptor is None:
            raise ConnectionAbortedError
        self._acceptor.adopt(client)

    def _connection(self, client: socket.socket) -> Connection:
        return Connection(client, self._apply, self._limits, proxy=self._proxy, tls=self._tls)

    def _apply(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self.application(environ, start_response)
