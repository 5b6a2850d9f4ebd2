"""What a server allows its clients: how many connections and requests at once, and how long each step may take."""

import sys
from dataclasses import dataclass

_SELECTABLE = 500 if sys.platform == "win32" else 1000  # `select` on Windows takes 512 sockets


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one server. Times are in seconds, of real time.

    At most `connections` are open: one more takes the place of that which has been idle longest, and gets 503 if none
    is idle. At most `workers` requests are answered at once, those included that a fault delays or that wait for
    data; another one waits for up to `queue` and gets 503 then. Each worker is a thread, started when it is needed.

    A new connection must have sent its first request, and a request its head, within `head`; a body comes within
    `body` (408 otherwise). A TLS handshake takes up to `handshake`. A client that takes nothing of its answer for
    `write` is disconnected. Between requests a connection may be idle for as long as it likes: that costs a
    descriptor only.

    For `linger` a worker stays with a connection that it has answered. That spares two threads' changes if the next
    request follows at once.
    """

    connections: int = _SELECTABLE
    workers: int = 256
    handshake: float = 10.0
    head: float = 20.0
    body: float = 30.0
    write: float = 30.0
    queue: float = 10.0
    linger: float = 0.01
