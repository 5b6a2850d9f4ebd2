"""A listener on a Unix socket that stands for the session bus of a developer's desktop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Listener:
    """Counts the connections to a Unix socket, and closes each.

    `address` is a path, or the name of an abstract socket after a zero.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(address)
        self._socket.listen()
        self._connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def bus_address(self) -> str:
        """The address as DBUS_SESSION_BUS_ADDRESS has it."""
        if self.address.startswith("\0"):
            return f"unix:abstract={self.address[1:]},guid=0123456789abcdef"
        return f"unix:path={self.address.replace(' ', '%20')}"

    @property
    def connections(self) -> int:
        """How many there were up to now; the listener ends with this."""
        self._socket.shutdown(socket.SHUT_RD)  # what is in the queue is still accepted
        self._thread.join()
        return self._connections

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._connections += 1
            connection.close()


@contextmanager
def listening(address: str | Path) -> Iterator[Listener]:
    """Listen at an address for the time of a `with`."""
    listener = Listener(str(address))
    try:
        yield listener
    finally:
        _ = listener.connections
        listener.close()
