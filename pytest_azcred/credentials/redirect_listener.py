"""Waits on loopback for the browser to bring back what Entra ID answered."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self

_DONE = b"You can close this window and return to the application."
_NOT_MINE = b"This is not the sign-in that the application is waiting for."
_LONGEST_FORM = 1 << 20


class RedirectListener(ThreadingMixIn, TCPServer):
    """Listens from when it is made until it is left.

    It answers each connection in a thread of its own, since browsers open some that they may never use. It is no
    ``HTTPServer``, because that one looks its own name up.

    :param host: the name or address to listen on.
    :param port: the port to listen on.
    :raises OSError: something else listens there, or this machine has no such address.
    """

    allow_reuse_address: bool = sys.platform != "win32"  # where it would let two listen on one port
    block_on_close = False
    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Handler)
        self.redirect_uri: str = f"http://{host}:{self.server_address[1]}"
        self.state: str = ""
        self.response: dict[str, str] = {}
        self.arrived: threading.Event = threading.Event()
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._serving.start()

    def wait(self, state: str, seconds: float | None) -> dict[str, str]:
        """Wait for the answer to the request with this ``state``; empty if none came in time."""
        self.state = state
        self.arrived.wait(seconds)
        return self.response

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about a browser that goes away."""

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._serving.join()
        self.server_close()

    def __enter__(self) -> Self:
        return self


class _Handler(BaseHTTPRequestHandler):
    timeout = 5

    def do_GET(self) -> None:
        self._take(urlsplit(self.path).query)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(min(int(length), _LONGEST_FORM)) if length.isdigit() else b""
        self._take(body.decode("ascii", "replace"))

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the query may hold a code."""

    def _take(self, form: str) -> None:
        listener = cast(RedirectListener, self.server)
        response = dict(parse_qsl(form))
        expected = not listener.response and bool(listener.state) and response.get("state") == listener.state
        body = _DONE if expected else _NOT_MINE
        self.send_response(200 if expected else 400)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if expected:
            listener.response = response
            listener.arrived.set()
