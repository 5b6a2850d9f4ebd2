"""Receives signals without missing any.

A Python handler runs in the main thread only, between two of its steps: a signal that another thread receives, or that
comes just before the main thread enters a system call, waits until the call returns. So nothing here waits in a call
that only a handler can end. The interpreter writes the number of every signal into a socket at once; that is read.
"""

import atexit
import contextlib
import signal
import socket


class Signals:
    """Signals, such as "SIGINT", that no longer end the process; those that the platform lacks are left out.

    Only the main thread can make it: elsewhere it raises ValueError.
    """

    def __init__(self, *names: str) -> None:
        self._waiting, self._waking = socket.socketpair()
        self._waking.setblocking(False)
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        atexit.register(self._close)  # Python would warn of open sockets
        for name in names:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._handle)

    def next(self) -> int:
        """Wait for the next signal and return its number; the earliest comes first.

        Other signals that have a handler are returned as well, and 0 for each call of `wake`.
        """
        return self._waiting.recv(1)[0]

    def wake(self) -> None:
        """Let `next` return 0; any thread can call this."""
        with contextlib.suppress(BlockingIOError):  # the socket is full, so `next` does not wait
            self._waking.send(b"\0")

    def _handle(self, *_: object) -> None:
        """Do nothing: the number is in the socket, which stays open because this method is the handler."""

    def _close(self) -> None:
        """Close the sockets; signals still do not end the process."""
        signal.set_wakeup_fd(-1)
        self._waiting.close()
        self._waking.close()
