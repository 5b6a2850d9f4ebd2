"""The backstop: refuses connections and look-ups that go past what is replaced, as far as Python itself sees them.

`_socket.socket().connect`, a method that was bound before the redirection, and sockets of gevent call C functions that
nobody can replace, but each of them asks the audit hooks of the process first (PEP 578). A hook stays until the process
ends; without a redirection it does nothing. What is redirected passes it with an address of this machine.
"""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_azcred.redirect import child_variables, desktop
from pytest_azcred.redirect.routes import Routes

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_UNIX = getattr(socket, "AF_UNIX", None)

_routes: list[Routes] = []  # those of the redirections of this process, the innermost last
_is_hooked = False


class _Numeric(threading.local):
    """Whether this thread is in a look-up that asks no name server, whatever the host is."""

    now = False


_numeric = _Numeric()


@contextmanager
def numeric() -> Iterator[None]:
    """Let a look-up pass that asks no name server: its host is an address, or else it fails."""
    _numeric.now = True
    try:
        yield
    finally:
        _numeric.now = False


def begin(routes: Routes) -> None:
    """Refuse what these routes refuse, until `end`."""
    global _is_hooked  # a hook cannot be removed, so there is one for a process
    _routes.append(routes)
    if not _is_hooked:
        sys.addaudithook(_hook)
        _is_hooked = True


def end(routes: Routes) -> None:
    """Refuse it no longer."""
    _routes.remove(routes)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _routes and event in _CHECKS:
        _CHECKS[event](*arguments)


def _connection(connection: socket.socket, address: Any) -> None:
    if connection.family == _UNIX:
        desktop.check(address)
    elif connection.family in _INTERNET and isinstance(address, tuple):
        host, port, *_ = tuple.__getitem__(address, slice(None))  # as C reads a tuple, of whatever class
        _routes[-1].check(host, port)


def _look_up(host: Any, port: Any = None, *_: object) -> None:
    if host is not None and not _numeric.now:
        _routes[-1].check_name(host, port)


def _start(*_: object) -> None:
    child_variables.before_start()


_CHECKS: dict[str, Callable[..., None]] = {
    "socket.connect": _connection,
    "socket.sendmsg": _connection,
    "socket.sendto": _connection,
    "socket.getaddrinfo": _look_up,
    "socket.gethostbyaddr": _look_up,
    "socket.gethostbyname": _look_up,
    "socket.getnameinfo": lambda address: _look_up(*tuple.__getitem__(address, slice(None))),
    **dict.fromkeys(("os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen"), _start),
    "os.system": lambda _command: child_variables.before_start(by_system=True),
}
