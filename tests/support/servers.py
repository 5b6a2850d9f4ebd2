"""Local servers that a test's routes lead to."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azcred_emulators.serving.server import Server


@contextmanager
def served(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a page that greets the host the client asked for; give the server's own URL."""
    server = Server(_greet, host=host, tls=tls)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def presenting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Return the TLS context of a server that presents a certificate, given as files of chain and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def _greet(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"this is {environ['HTTP_HOST']}".encode()]
