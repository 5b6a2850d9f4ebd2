"""The Unix sockets through which a process would find the identity of whoever runs the tests.

The session bus leads to the keyring and to Microsoft's identity broker; the agents of SSH and GnuPG hold keys. The
variables that name them are hidden, but a client may know the usual places as well. Other sockets, such as those of
Docker and PostgreSQL, are nobody's identity. Only the light part of the standard library is imported here: child
processes load this, too.
"""

import os
from collections.abc import Iterable, Iterator, Mapping

from pytest_azcred.redirect.routes import OutsideConnectionError

# Where they are in the folder XDG_RUNTIME_DIR; of a folder, every socket in it.
_USUAL = (
    "bus",
    "dbus-1/",
    "gcr/",
    "gnupg/",
    "keyring/",
    "kwalletd5.socket",
    "kwalletd6.socket",
    "openssh_agent",
    "p11-kit/",
    "ssh-agent",
    "ssh-agent.socket",
)
_BUSES = ("DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_ADDRESS")
_VARIABLES = (*_BUSES, "GNOME_KEYRING_CONTROL", "GPG_AGENT_INFO", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
_ISOLATED = "AZCRED_ROUTING"  # set where the variables are not the user's own any more

_read: list[Mapping[str, str]] = []  # the variables that were read already: they seldom change from test to test
_sockets: set[str] = set()  # all that this process has seen; a folder ends with a slash, an abstract one begins with \0


class DesktopConnectionError(OutsideConnectionError):
    """A connection to the session bus, the keyring or an agent of whoever runs the tests."""

    def __init__(self, socket: str) -> None:
        super().__init__(socket)
        self.args: tuple[object, ...] = (socket,)

    def __str__(self) -> str:
        return (
            f"azcred refused a connection to the Unix socket {self.host!r}, because it leads to the keyring or the "
            "keys of whoever runs the test; start a bus or an agent of the test's own when the isolation has begun, "
            "and let the app connect to that one."
        )


def remember(environ: Mapping[str, str]) -> None:
    """Refuse from now on what the variables of a process name, unless they are those of an isolated one."""
    variables = {name: environ[name] for name in _VARIABLES if name in environ}
    if hasattr(os, "getuid") and not environ.get(_ISOLATED) and variables not in _read:
        _read.append(variables)
        add(map(_canonical, _of_user(variables)))


def add(sockets: Iterable[str]) -> None:
    """Refuse these sockets as well, which another process has `remembered`."""
    _sockets.update(sockets)


def remembered() -> list[str]:
    """Return all that are refused, for `add` in another process."""
    return sorted(_sockets)


def check(address: object) -> None:
    """Raise DesktopConnectionError if the address of a Unix socket is one that is refused."""
    if not isinstance(address, str | bytes | bytearray | os.PathLike) or not address:
        return  # for the socket to judge
    text = os.fsdecode(bytes(address) if isinstance(address, bytearray) else address)
    socket = _canonical(text)
    folders = tuple(folder for folder in _sockets if folder.endswith("/"))
    if socket in _sockets or socket.startswith(folders):
        raise DesktopConnectionError(text)


def _of_user(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the sockets of the user whose variables these are."""
    for folder in {variables.get("XDG_RUNTIME_DIR"), f"/run/user/{os.getuid()}"}:
        if folder:
            yield from (os.path.join(folder, usual) for usual in _USUAL)
    for name in _BUSES:
        yield from _of_bus(variables.get(name, ""))
    if agent := variables.get("SSH_AUTH_SOCK"):
        yield agent
    if agent := variables.get("GPG_AGENT_INFO", "").partition(":")[0]:
        yield agent
    if folder := variables.get("GNOME_KEYRING_CONTROL"):
        yield os.path.join(folder, "")


def _of_bus(addresses: str) -> Iterator[str]:
    """Yield the sockets of the addresses of a bus, as the D-Bus specification writes them."""
    for address in addresses.split(";"):
        _, _, pairs = address.partition(":")
        for pair in pairs.split(","):
            key, _, value = pair.partition("=")
            if key in ("path", "abstract") and value:
                yield ("\0" if key == "abstract" else "") + _unescaped(value)


def _unescaped(value: str) -> str:
    """Return a value in which %2F and the like stand for bytes."""
    first, *others = os.fsencode(value).split(b"%")
    try:
        return os.fsdecode(first + b"".join(bytes.fromhex(part[:2].decode()) + part[2:] for part in others))
    except ValueError:
        return value


def _canonical(socket: str) -> str:
    """Return the one name of a socket, or of a folder, whatever links lead to it."""
    if socket.startswith("\0"):
        return socket
    return os.path.realpath(socket) + ("/" if socket.endswith("/") else "")
