"""Takes signals without missing one.

A Python handler runs in the main thread only, between two steps of it: a signal that another thread receives, or that
comes just before the main thread enters a system call, waits there until the call returns. So nobody waits in a call
that only a handler can end. The interpreter notes down every signal in a socket at once, and this is what is read.
"""

import contextlib
import signal
import socket


class Signals:
    """From now on, these signals, such as "SIGINT", do not end the process; what the platform lacks is left out.

    Only the main thread can make it: elsewhere it raises ValueError.
    """

    def __init__(self, *names: str) -> None:
        self._waiting, self._waking = socket.socketpair()
        self._waking.setblocking(False)
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        for name in names:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._handle)

    def next(self) -> int:
        """Wait for the next signal and return its number; those that have come by then are returned first.

        Other signals that have a handler are returned as well, and 0 for each call of `wake`.
        """
        return self._waiting.recv(1)[0]

    def wake(self) -> None:
        """Let `next` return 0; any thread can call this."""
        with contextlib.suppress(BlockingIOError):  # full, so that nobody waits
            self._waking.send(b"\0")

    def _handle(self, *_: object) -> None:
        """Do nothing: the socket has it, and stays open because this is the handler."""
