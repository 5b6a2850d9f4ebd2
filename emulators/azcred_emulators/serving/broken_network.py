"""The targets of broken connections: a port that never answers, and servers with defective TLS."""

import socket
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from azcred_emulators.serving.connection import WsgiApplication
from azcred_emulators.serving.server import Server
from azcred_emulators.serving.tls import CertificateAuthority, Issue, server_context

_LONG_AGO = datetime(2001, 1, 1, tzinfo=timezone.utc)


class BrokenNetwork:
    """The broken parts of the network on loopback; each is made at its first use.

    To clients that accept the defect of its TLS, a server answers with `application`.
    """

    def __init__(self, authority: CertificateAuthority, application: WsgiApplication) -> None:
        self._lock = threading.Lock()
        self._application = application
        self._issue: Mapping[str, Callable[[], Issue]] = {
            "untrusted": lambda: CertificateAuthority().issue,
            "expired": lambda: lambda name: authority.issue(name, not_after=_LONG_AGO),
            "wrong-name": lambda: lambda _: authority.issue("elsewhere.example"),
        }
        self._servers: dict[str, Server] = {}
        self._black_hole: list[socket.socket] = []

    def black_hole(self) -> tuple[str, int]:
        """Return an address that never answers: its queue of connections is full, and none is accepted."""
        with self._lock:
            if not self._black_hole:
                listener = socket.create_server(("127.0.0.1", 0), backlog=0)
                only = socket.create_connection(listener.getsockname())  # it fills the queue
                self._black_hole = [listener, only]
            host, port = self._black_hole[0].getsockname()[:2]
            return host, port

    def bad_tls(self, defect: str) -> tuple[str, int]:
        """Return the address of a server whose TLS has a defect; for "handshake" the server speaks no TLS."""
        with self._lock:
            if defect not in self._servers:
                issue = self._issue.get(defect)
                tls = server_context(issue()) if issue else None
                self._servers[defect] = Server(self._application, tls=tls)
                self._servers[defect].start()
            return self._servers[defect].address

    def stop(self) -> None:
        """Close every port; clients that are still connecting are refused."""
        with self._lock:
            while self._black_hole:
                self._black_hole.pop().close()
            servers, self._servers = list(self._servers.values()), {}
        for server in servers:
            server.stop()
