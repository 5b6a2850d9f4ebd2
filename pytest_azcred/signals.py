"""Waits for a signal without missing one.

A handler may run anywhere in the main thread, so it must not take a lock, as `threading.Event.set` does; and one for a
signal that comes just before a system call only runs after it. What the interpreter itself notes down is always there.
"""

import signal
import socket
from collections.abc import Callable
from functools import partial


def on_signals(*names: str) -> Callable[[], object]:
    """Keep these signals, such as "SIGINT", from ending the process; those that the platform lacks are left out.

    Returns a function that waits for one of them, and returns at once if one has come by then. Only the main thread
    can call this: elsewhere it raises ValueError.
    """
    waiting, waking = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.detach(), warn_on_full_buffer=False)
    for name in names:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    return partial(waiting.recv, 1)
