"""The table of routes: where a connection or look-up leads, and which ones are refused.

Only the light part of the standard library is imported here, as in `routing`, which child processes load.
"""

import errno
import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

Address = tuple[str, int]

_LOOPBACK = "127.0.0.1"
_DNS_PORT = 53


class Unreachable:
    """The target of a route to a network that is not there; connecting fails at once with ENETUNREACH."""

    def __repr__(self) -> str:
        return "UNREACHABLE"


UNREACHABLE: Final = Unreachable()
Target = Address | Unreachable


class Route(NamedTuple):
    """Where connections to a host (a name, an IP address, or a pattern such as `*.example.com`) and port go."""

    host: str
    port: int
    target: Target


class OutsideConnectionError(RuntimeError):
    """A connection or look-up that would have left this machine.

    It is no OSError, so that no client takes it for a network failure that is worth retrying.
    """

    def __init__(self, host: str, port: object = None) -> None:
        super().__init__(host, port)  # as given, so that it survives pickling on its way from another process
        self.host = host
        self.port = port

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        where = f"{host}:{self.port}" if self.port else host
        key = host if self.port in (None, 0, 80, 443, "http", "https") else where
        return (
            f"azcred refused a connection to {where!r}, because nothing may leave this machine during the test; "
            f'call azcred.route("{key}", "http://127.0.0.1:PORT") to have a local server answer for it.'
        )


class Routes:
    """A table of routes. Hosts are given in any form that sockets take: text or bytes, any case, a dot at the end.

    `on_connect` is asked about each connection that stays on this machine, and may lead it elsewhere or raise OSError.
    """

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self._lock = threading.Lock()
        self._targets: dict[str, dict[int, Target]] = {}
        self._stand_ins: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self.on_connect: Callable[[str, int], Address | None] | None = None
        for route in routes:
            self.add(route)

    def __iter__(self) -> Iterator[Route]:
        with self._lock:
            table = [(host, dict(ports)) for host, ports in self._targets.items()]
        return (Route(host, port, target) for host, ports in table for port, target in ports.items())

    def __contains__(self, host: object) -> bool:
        return self._ports(_canonical(host)) is not None

    def add(self, route: Route) -> None:
        """Add a route; one for the same host and port is replaced.

        Raises ValueError if it leads away from this machine.
        """
        if not isinstance(route.target, Unreachable) and not _is_this_machine(_canonical(route.target[0])):
            raise ValueError(f"a route leads to an address of this machine, not to {route.target[0]!r}")
        with self._lock:
            self._targets.setdefault(_canonical(route.host), {})[route.port] = route.target

    def replace(self, routes: Iterable[Route]) -> None:
        """Have these routes and no others."""
        targets: dict[str, dict[int, Target]] = {}
        for route in routes:
            targets.setdefault(route.host, {})[route.port] = route.target
        with self._lock:
            self._targets = targets

    def address_of(self, host: object, port: object = None) -> str | None:
        """Return the address that a look-up of a name gives, None for a host that can be looked up as it is.

        A routed name has an address of its own in 127/8, so that what slips through stays on this machine. It is
        written as IPv6 if the name leads to a server that only an IPv6 socket can reach. Raises
        OutsideConnectionError for a name that is neither routed nor this machine's.
        """
        name = _canonical(host)
        if not name or name == "localhost" or _address(name):
            return None
        ports = self._ports(name)
        if ports is not None:
            leads_to_ipv6 = any(
                not isinstance(target, Unreachable) and ":" in target[0] for target in list(ports.values())
            )
            return ("::ffff:" if leads_to_ipv6 else "") + self._stand_in(name)
        if _is_this_machine(name):
            return _LOOPBACK
        raise OutsideConnectionError(name, port)

    def name_of(self, host: object) -> str:
        """Return the name for an address, or for another name.

        Raises OutsideConnectionError for one outside this machine.
        """
        name = _canonical(host)
        if name in self._names:
            return self._names[name]
        if self.address_of(name) or name == "localhost":
            return name
        if _is_this_machine(name):
            return "localhost"
        raise OutsideConnectionError(name)

    def destination(self, host: object, port: int) -> Address | None:
        """Return where a connection goes in place of this host and port, None if it goes there as it is.

        Raises OutsideConnectionError if that is outside this machine, OSError if it is a network that is not there.
        """
        name = _canonical(host)
        name = self._names.get(name, name)
        here = _is_this_machine(name)
        own_name = here and not _address(name)
        ports = self._ports(name) or (self._ports(_LOOPBACK) if own_name else None) or {}
        target = ports.get(port)
        if isinstance(target, Unreachable):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        if here or target is not None:
            elsewhere = self.on_connect(name, port) if self.on_connect else None
            if elsewhere is not None:
                return elsewhere
        if target is not None:
            return target
        if not here or port == _DNS_PORT:  # a name server on this machine would ask others
            raise OutsideConnectionError(name, port)
        return (_LOOPBACK, port) if own_name and name not in ("", "localhost") else None

    def _ports(self, name: str) -> Mapping[int, Target] | None:
        """Return the routes of a host by port: its own, else those of the first pattern that it matches."""
        if name in self._targets:
            return self._targets[name]
        for pattern, ports in list(self._targets.items()):
            if pattern.startswith("*.") and name.endswith(pattern[1:]):
                return ports
        return None

    def _stand_in(self, name: str) -> str:
        with self._lock:
            if name not in self._stand_ins:
                number = len(self._stand_ins) + 1
                self._stand_ins[name] = f"127.84.{number >> 8 & 255}.{number & 255}"
                self._names[self._stand_ins[name]] = name
            return self._stand_ins[name]


def _canonical(host: object) -> str:
    """Return a host as the table has it: ASCII, lower case, no dot at the end, IPv4 in IPv6 as IPv4."""
    text = bytes(host).decode() if isinstance(host, bytes | bytearray) else str(host or "")
    if not text.isascii():
        text = text.encode("idna").decode()
    text = text.lower().rstrip(".")
    address = _address(text)
    return str(getattr(address, "ipv4_mapped", None) or address or text)


@lru_cache(maxsize=1024)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_this_machine(host: str) -> bool:
    """Tell whether a host is this machine: its name, loopback, or the unspecified address that listeners bind to."""
    address = _address(host)
    if address:
        return address.is_loopback or address.is_unspecified
    return not host or host == "localhost" or host.endswith(".localhost") or host == socket.gethostname().lower()
