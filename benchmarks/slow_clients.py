"""What clients see of a server while hundreds of others are half-open or slow.

It starts the server on the address that is given, and prints as JSON how many answers a second a client gets before,
during and after, how long the slowest took, and the server's threads and descriptors. In a process of its own, for a
network namespace; `tests/emulators/serving/test_slow_clients.py` runs it, too.
"""

import contextlib
import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from azcred_emulators.serving.server import Server
from azcred_emulators.serving.tls import CertificateAuthority

_SLOW = 500
_HALVES = (
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nX: ",
    b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\nab",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n99\r\nab",
    b"\x16\x03\x01\x02\x00\x01",
)


def main() -> None:
    """Measure with the address and the seconds of each phase from the command line."""
    address, seconds = sys.argv[1], float(sys.argv[2])
    authority = CertificateAuthority()
    plain, encrypted = Server(_answer, host=address), Server(_answer, host=address, tls=authority.server_context())
    plain.start()
    encrypted.start()
    trusting = ssl.create_default_context(cadata=authority.pem)
    trusting.check_hostname = False
    _ask(plain, None)
    _ask(encrypted, trusting)
    figures: dict[str, Any] = {"before": _phase(plain, encrypted, trusting, seconds)}
    slow = [socket.create_connection(server.address) for _ in range(_SLOW // 2) for server in (plain, encrypted)]
    for number, connection in enumerate(slow):
        connection.sendall(_HALVES[number % len(_HALVES)])
    stop = threading.Event()
    dripping = threading.Thread(target=_drip, args=(slow, stop))
    dripping.start()
    figures["during"] = _phase(plain, encrypted, trusting, seconds)
    stop.set()
    dripping.join()
    for connection in slow:
        connection.close()
    until = time.perf_counter() + 10
    while _descriptors() > figures["before"]["descriptors"] and time.perf_counter() < until:
        time.sleep(0.02)
    figures["after"] = _phase(plain, encrypted, trusting, seconds)
    plain.stop()
    encrypted.stop()
    figures["threads left"] = threading.active_count() - 1
    print(json.dumps(figures))


def _answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def _ask(server: Server, tls: ssl.SSLContext | None) -> None:
    """Send one request over a connection of its own."""
    with socket.create_connection(server.address, timeout=30) as plain:
        connection = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        with connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if not connection.recv(1000).startswith(b"HTTP/1.1 200 "):
                raise RuntimeError("the server did not answer")


def _phase(plain: Server, encrypted: Server, tls: ssl.SSLContext, seconds: float) -> dict[str, float]:
    taken = []
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        for server, context in ((plain, None), (encrypted, tls)):
            before = time.perf_counter()
            _ask(server, context)
            taken.append(time.perf_counter() - before)
    return {
        "rate": len(taken) / (time.perf_counter() - started),
        "slowest": max(taken),
        "threads": threading.active_count(),
        "descriptors": _descriptors(),
    }


def _drip(connections: list[socket.socket], stop: threading.Event) -> None:
    """Send a byte over every fourth connection, again and again."""
    while not stop.wait(0.2):
        for connection in connections[2::4]:
            with contextlib.suppress(OSError):  # the server has had enough of it
                connection.sendall(b"a")


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


main()
