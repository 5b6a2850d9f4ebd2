"""A load generator for one server: over a fixed number of kept connections, a number of requests or for some time.

It runs in a process of its own, so that it does not share the server's interpreter, and prints requests a second
and the median latency in seconds.
"""

import math
import socket
import ssl
import statistics
import sys
import threading
import time
from pathlib import Path


def main() -> None:
    """Read what to do from the command line."""
    host, port, tls, connections, requests, method, path, body_file = sys.argv[1:]
    body = Path(body_file).read_bytes()
    server_name = "login.microsoftonline.com" if method == "POST" else "169.254.169.254"
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: {server_name}\r\nMetadata: true\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    clients = [Client((host, int(port)), tls == "1", request) for _ in range(int(connections))]
    for client in clients:
        client.ask()  # warm up
        client.latencies.clear()
    started = time.perf_counter()
    if requests.endswith("s"):
        bounds: tuple[float, ...] = (math.inf, started + float(requests[:-1]))
    else:
        bounds = (max(1, int(requests) // len(clients)),)
    threads = [threading.Thread(target=client.ask, args=bounds) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - started
    latencies = [latency for client in clients for latency in client.latencies]
    print(len(latencies) / taken, statistics.median(latencies))


class Client:
    """Sends one request again and again, over one connection as long as the server keeps it."""

    def __init__(self, address: tuple[str, int], tls: bool, request: bytes) -> None:
        self.latencies: list[float] = []
        self._address = address
        self._tls = tls
        self._request = request
        self._connection: socket.socket | None = None

    def ask(self, times: float = 1, until: float = math.inf) -> None:
        """Send the request and read the answer, this many times or until then."""
        number = 0
        while number < times and time.perf_counter() < until:
            number += 1
            started = time.perf_counter()
            self._connection = self._connection or _connect(self._address, self._tls)
            if not _exchange(self._connection, self._request):
                self._connection.close()
                self._connection = None
            self.latencies.append(time.perf_counter() - started)


def _connect(address: tuple[str, int], tls: bool) -> socket.socket:
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not tls:
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the authority's certificate is in another process
    return context.wrap_socket(connection, server_hostname="login.microsoftonline.com")


def _exchange(connection: socket.socket, request: bytes) -> bool:
    """Send a request and read its answer; tell whether the connection may be used again."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise RuntimeError(f"the server answered {head[:60]!r}")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(fields[b"content-length"]) - len(rest)
    while left > 0:
        left -= len(connection.recv(65536))
    return fields.get(b"connection") != b"close"


main()
