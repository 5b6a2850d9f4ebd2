"""Accepts the connections of a server and waits with them, on one thread; workers do the rest."""

import errno
import os
import selectors
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from azcred_emulators.clock import stopwatch
from azcred_emulators.serving.connection import Connection, Next
from azcred_emulators.serving.limits import Limits
from azcred_emulators.serving.workers import Workers

_PATIENCE = 2.0  # seconds for unfinished answers when the server stops
_PAUSE = 0.05  # seconds without accepting when there is no room: longer than a worker lingers
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_STALL = 0.01  # seconds in which no worker takes a connection although some wait: time for more workers
_BUSY = "503 Service Unavailable"


class Acceptor:
    """The connections of one listening socket, from `start` to `stop`.

    `connect` makes a connection of a client's socket. One that waits for its client costs a place in a selector; once
    its client has sent something, a worker advances it. The thread that waits never blocks elsewhere, so nobody can
    keep others from being accepted.
    """

    def __init__(self, listener: socket.socket, connect: Callable[[socket.socket], Connection], limits: Limits) -> None:
        self._listener = listener
        self._connect = connect
        self._limits = limits
        self._workers = Workers(self._advance, most=limits.workers)
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="azcred-accept", daemon=True)
        self._stopping = self._closed = False
        self._open: dict[Connection, None] = {}
        self._waiting: dict[Connection, None] = {}  # in the order in which they came back
        self._queued: dict[Connection, float] = {}  # each with the time when it is refused
        self._returned: deque[Connection] = deque()  # on their way from the workers to the selector
        self._awake = False
        self._moves = self._moves_seen = 0
        self._next_deadline: float | None = None
        self._paused = False
        self._resume: float | None = None  # when to accept again
        self._spare: int | None = None  # a descriptor to give up for one answer

    def start(self) -> None:
        """Start to accept; raises RuntimeError, with the listener closed, if the system gives no thread."""
        self._listener.setblocking(False)
        self._wakeup.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        self._reserve()
        try:
            self._thread.start()
        except BaseException:
            self._close()
            raise

    def stop(self) -> None:
        """Close every connection, once its request is answered, and wait for all threads to end."""
        self._stopping = True
        self._wake()
        self._thread.join()
        threads = self._workers.stop()
        for how, patience in ((socket.SHUT_RD, _PATIENCE), (socket.SHUT_RDWR, None)):
            for connection in list(self._open):
                connection.shut_down(how)
            until = stopwatch() + (patience or 0)
            for thread in threads:
                thread.join(None if patience is None else max(0, until - stopwatch()))

    def adopt(self, client: socket.socket) -> None:
        """Take over a connection that another server has accepted."""
        connection = self._connect(client)
        self._open[connection] = None
        self._return(connection)

    # What workers do.

    def _advance(self, connection: Connection) -> None:
        self._moves += 1  # only whether it changes matters
        if self._queued.pop(connection, None) is None:  # it has waited for too long, and is refused
            return
        outcome = Next.CLOSE
        try:
            outcome = connection.advance(self._may_linger)
        except OSError:  # the client has gone, or does not trust the certificate
            pass
        except Exception:
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
        if outcome is Next.WAIT:
            self._return(connection)
        else:
            self._forget(connection, outcome)

    def _may_linger(self) -> bool:
        return self._workers.has_room and not self._stopping

    def _return(self, connection: Connection) -> None:
        self._returned.append(connection)
        self._wake()
        if self._closed:  # nobody will look at it any more
            self._forget_returned()

    def _forget_returned(self) -> None:
        while self._returned:
            with suppress(IndexError):  # several threads may do this
                self._forget(self._returned.popleft())

    def _forget(self, connection: Connection, outcome: Next = Next.CLOSE) -> None:
        self._open.pop(connection, None)
        if outcome is not Next.GIVEN:
            connection.close()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            with suppress(OSError):  # it is awake, or has ended
                self._waker.send(b"\0")

    # What the one thread does.

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._close()

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wakeup:
                with suppress(BlockingIOError):
                    self._wakeup.recv(64)
            elif self._stop_waiting(key.data):
                self._submit(key.data)
        self._awake = False  # from here on, who returns a connection wakes this thread
        while self._returned:
            self._wait_for(self._returned.popleft())
        self._expire()

    def _patience(self) -> float | None:
        """Return how long nothing is due; None stands for any time."""
        due = [moment for moment in (self._next_deadline, self._resume) if moment is not None]
        return max(0.0, min(due) - stopwatch()) if due else None

    def _accept(self) -> None:
        """Accept one connection. Where there is no room for it, wait a moment for one to become idle, then refuse."""
        full = len(self._open) >= self._limits.connections and not self._make_room()
        if full and not self._has_paused():
            return
        try:
            client, _ = self._listener.accept()
        except OSError as error:  # else the client has disconnected already
            if error.errno in _EXHAUSTED and not self._make_room() and self._has_paused() and not self._refuse_next():
                self._pause()
            return
        self._paused = False
        try:
            connection = self._connect(client)
        except OSError:  # likewise
            client.close()
            return
        self._open[connection] = None
        if full:
            self._refuse(connection, f"The server has {self._limits.connections} connections, and none is idle.")
        else:
            self._wait_for(connection)

    def _make_room(self) -> bool:
        """Close the connection that has been idle longest; returns False if none is."""
        idle = next((connection for connection in self._waiting if connection.is_idle), None)
        if idle is None:
            return False
        self._stop_waiting(idle)
        self._forget(idle)
        return True

    def _refuse_next(self) -> bool:
        """Answer the next client with the last descriptor; returns False if there is none."""
        if self._spare is None:
            return False
        os.close(self._spare)
        self._spare = None
        try:
            client, _ = self._listener.accept()
        except OSError:
            return False
        with client, suppress(OSError):
            connection = self._connect(client)
            connection.refuse(_BUSY, "The server has no file descriptor left, and no connection is idle.")
        self._paused = False
        self._reserve()
        return True

    def _reserve(self) -> None:
        with suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY)

    def _has_paused(self) -> bool:
        """Tell whether there was a pause since the last connection, and make one if not: a worker may be lingering."""
        if not self._paused:
            self._pause()
            self._paused = True
            return False
        return True

    def _pause(self) -> None:
        """Leave clients in the listener's queue for a while: asking the system again at once would only cost time."""
        self._selector.unregister(self._listener)
        self._resume = stopwatch() + _PAUSE

    def _submit(self, connection: Connection) -> None:
        due = stopwatch() + self._limits.queue
        self._queued[connection] = due
        if self._workers.submit(connection):
            self._note_deadline(stopwatch() + _STALL if self._workers.crowded else due)
        elif self._queued.pop(connection, None) is not None:
            self._refuse(connection, "The system gives the server no thread.")

    def _refuse(self, connection: Connection, reason: str) -> None:
        outcome = Next.CLOSE
        with suppress(OSError):
            outcome = connection.refuse(_BUSY, reason)
        self._follow(connection, outcome)

    def _follow(self, connection: Connection, outcome: Next) -> None:
        if outcome is Next.WAIT:
            self._wait_for(connection)
        else:
            self._forget(connection)

    def _wait_for(self, connection: Connection) -> None:
        self._waiting[connection] = None
        try:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        except (OSError, ValueError):  # its socket is closed, or the selector is full
            self._waiting.pop(connection)
            self._forget(connection)
        else:
            self._note_deadline(connection.deadline)

    def _stop_waiting(self, connection: Connection) -> bool:
        """Take a connection out of the selector; returns False if it is not there any more."""
        if connection not in self._waiting:
            return False
        del self._waiting[connection]
        self._selector.unregister(connection.socket)
        return True

    def _note_deadline(self, deadline: float | None) -> None:
        if deadline is not None and (self._next_deadline is None or deadline < self._next_deadline):
            self._next_deadline = deadline

    def _expire(self) -> None:
        """Do what is due at deadlines that have passed."""
        now = stopwatch()
        if self._resume is not None and self._resume <= now:
            self._resume = None
            self._selector.register(self._listener, selectors.EVENT_READ)
            if self._spare is None:
                self._reserve()
        if self._next_deadline is None or self._next_deadline > now:
            return
        self._next_deadline = None
        if self._workers.crowded:
            if self._moves == self._moves_seen:
                self._workers.grow()
            self._moves_seen = self._moves
            self._note_deadline(now + _STALL)
        for connection in list(self._waiting):
            if connection.deadline is None or connection.deadline > now:
                self._note_deadline(connection.deadline)
                continue
            self._stop_waiting(connection)
            outcome = Next.CLOSE
            with suppress(OSError):
                outcome = connection.expire()
            self._follow(connection, outcome)
        for connection, due in self._queued.copy().items():
            if due > now:
                self._note_deadline(due)
            elif self._queued.pop(connection, None) is not None:
                self._refuse(connection, f"The server answers {self._limits.workers} requests already.")

    def _close(self) -> None:
        """Close what waits; the workers' connections are theirs."""
        self._listener.close()
        for connection in (
            *self._waiting,
            *(one for one in self._queued.copy() if self._queued.pop(one, None) is not None),
        ):
            self._forget(connection)
        self._closed = True
        self._forget_returned()
        self._selector.close()
        self._wakeup.close()
        self._waker.close()
        if self._spare is not None:
            os.close(self._spare)
