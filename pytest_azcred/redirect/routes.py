"""The table of routes: where a connection or look-up leads, and which ones are refused.

Only the light part of the standard library is imported here, as in `routing`, which child processes load.
"""

import errno
import ipaddress
import operator
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pytest_azcred.redirect.remedies import Remedy, remedy_for

Address = tuple[str, int]

_LOOPBACK = "127.0.0.1"
_DNS_PORT = 53
_CHARACTERS = frozenset("0123456789abcdefxABCDEFX.")  # of IPv4 addresses in all the forms of C


class Unreachable:
    """The target of a route to a network that is not there; connecting fails at once with ENETUNREACH."""

    def __repr__(self) -> str:
        return "UNREACHABLE"


UNREACHABLE: Final = Unreachable()
Target = Address | Unreachable


class Route(NamedTuple):
    """Where connections to a host and port go.

    :param host: a name, an IP address, or a pattern such as `*.example.com`.
    :param port: the port.
    :param target: an address on this machine, or `UNREACHABLE`.
    """

    host: str
    port: int
    target: Target


class OutsideConnectionError(RuntimeError):
    """A connection or name lookup that would have left this machine was refused.

    It is not an `OSError`, so that no client treats it as a network failure and retries.

    :param host: the host.
    :param port: the port, if it is known.
    :param remedy: what helps with this host, if that is known.
    """

    def __init__(self, host: str, port: object = None, remedy: str = "") -> None:
        super().__init__(host, port, remedy)  # as given, so that it survives pickling on its way from another process
        self.host = host
        self.port = port
        self.remedy = remedy

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = self.port.decode("ascii", "replace") if isinstance(self.port, bytes) else self.port
        where = f"{host}:{port}" if port else host
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"azcred refused a connection to {where!r}, because nothing may leave this machine{remedy}."


class UnreachableHostError(OutsideConnectionError, OSError):
    """The same as an OSError, for suites whose apps are to see a network that is not there."""

    errno: int | None
    strerror: str | None

    def __init__(self, host: str, port: object = None, remedy: str = "") -> None:
        super().__init__(host, port, remedy)
        self.errno, self.strerror = errno.ENETUNREACH, str(self)  # aiohttp shows no more than these


class Host(NamedTuple):
    """A host in the one form in which it is judged and passed on.

    `name` is as the table has it: a name, or an address, of IPv4 if it is one in IPv6. `text` is the same host for
    Python's own functions, which ask no name server for an address in this form.
    """

    name: str
    text: str


class Routes:
    """A table of routes. Hosts are given in any form that sockets take: text or bytes, any case, a dot at the end.

    `remedies` are what a refusal names, the first that fits; if `unreachable`, it is an OSError. `on_refuse` is told of
    each. `on_connect` is asked about each connection that stays on
    this machine, and may lead it elsewhere or raise OSError.
    """

    def __init__(
        self, routes: Iterable[Route] = (), remedies: Iterable[Remedy] = (), *, unreachable: bool = False
    ) -> None:
        self._lock = threading.Lock()
        self._targets: dict[str, dict[int, Target]] = {}
        self._stand_ins: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self.remedies: list[Remedy] = list(remedies)
        self.unreachable = unreachable
        self.on_refuse: Callable[[str, object], object] = lambda _host, _port: None
        self.on_connect: Callable[[str, int], Address | None] | None = None
        for route in routes:
            self.add(route)

    def __iter__(self) -> Iterator[Route]:
        with self._lock:
            table = [(host, dict(ports)) for host, ports in self._targets.items()]
        return (Route(host, port, target) for host, ports in table for port, target in ports.items())

    def __contains__(self, host: object) -> bool:
        return host is not None and self._ports(one_form(host).name) is not None

    def add(self, route: Route) -> None:
        """Add a route; one for the same host and port is replaced.

        Raises ValueError if it leads away from this machine.
        """
        if not isinstance(route.target, Unreachable) and not _is_this_machine(one_form(route.target[0]).name):
            raise ValueError(f"a route leads to an address of this machine, not to {route.target[0]!r}")
        with self._lock:
            self._targets.setdefault(one_form(route.host).name, {})[route.port] = route.target

    def replace(self, routes: Iterable[Route]) -> None:
        """Have these routes and no others."""
        targets: dict[str, dict[int, Target]] = {}
        for route in routes:
            targets.setdefault(route.host, {})[route.port] = route.target
        with self._lock:
            self._targets = targets

    def refusal(self, host: str, port: object = None) -> OutsideConnectionError:
        """Return the error for a connection or look-up that may not be."""
        self.on_refuse(host, port)
        return self.unreported(host, port)

    def unreported(self, host: str, port: object = None) -> OutsideConnectionError:
        """Return the same error for one that is no news, and is not recorded."""
        kind = UnreachableHostError if self.unreachable else OutsideConnectionError
        return kind(host, port, remedy_for(self.remedies, host, port))

    def check(self, host: Any, port: Any) -> None:
        """Raise OutsideConnectionError for a connection that nothing has led to this machine."""
        name = one_form(host).name
        if not _is_this_machine(name) or port == _DNS_PORT:
            raise self.refusal(name, port)

    def check_name(self, host: Any, port: Any) -> None:
        """Raise OutsideConnectionError for a look-up that would ask a name server."""
        name = one_form(host).name
        if name and name != "localhost" and not _address(name):
            raise self.refusal(name, port)

    def address_of(self, host: object, port: object = None) -> str:
        """Return what to look up in a host's place: an address, or a name that needs no name server.

        A routed name has an address of its own in 127/8, so that what slips through stays on this machine. It is
        written as IPv6 if the name leads to a server that only an IPv6 socket can reach. Raises
        OutsideConnectionError for a name that is neither routed nor this machine's.
        """
        name, text = one_form(host)
        if not name or name == "localhost" or _address(name):
            return text
        ports = self._ports(name)
        if ports is not None:
            leads_to_ipv6 = any(
                not isinstance(target, Unreachable) and ":" in target[0] for target in list(ports.values())
            )
            return ("::ffff:" if leads_to_ipv6 else "") + self._stand_in(name)
        if _is_this_machine(name):
            return _LOOPBACK
        raise self.refusal(name, port)

    def name_of(self, host: object) -> str:
        """Return the name for an address, or for another name.

        Raises OutsideConnectionError for one outside this machine.
        """
        name = one_form(host).name
        if name in self._names:
            return self._names[name]
        if name and not _address(name):
            self.address_of(name)
            return name
        if _is_this_machine(name):
            return "localhost"
        raise self.refusal(name)

    def destination(self, host: object, port: Any) -> Address:
        """Return where a connection to a host and port goes: there, in one form, or elsewhere on this machine.

        Raises OutsideConnectionError if that is outside this machine, OSError if it is a network that is not there.
        """
        name, text = one_form(host)
        port = exact_number(port)
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
            raise self.refusal(name, port)
        return (_LOOPBACK if own_name and name not in ("", "localhost") else text), port

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


def one_form(host: object) -> Host:
    """Return a host in the one form: ASCII, lower case, no dot at the end, and addresses in their usual notation.

    An object of a class that is derived from `str` or `bytes` is read once, as Python's own functions read it. Raises
    TypeError for what is neither text nor bytes, and UnicodeError for a name that IDNA does not allow.
    """
    if isinstance(host, str):
        text = str.__str__(host)
    elif isinstance(host, bytes):
        text = bytes.__getitem__(host, slice(None)).decode(errors="backslashreplace")
    elif isinstance(host, bytearray):
        text = bytearray.__getitem__(host, slice(None)).decode(errors="backslashreplace")
    else:
        raise TypeError(f"a host is text or bytes, not {type(host).__name__}")
    return _form_of(text)


@lru_cache(maxsize=1024)
def _form_of(text: str) -> Host:
    if not text.isascii():
        text = text.encode("idna").decode()
    text = text.removesuffix(".") or text
    address = _address(text)
    if address is None:
        return Host(text.lower(), text.lower())
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped:
        return Host(str(mapped), f"::ffff:{mapped}")
    return Host(str(address).partition("%")[0], str(address))


def exact_number(value: Any) -> int:
    """Return a number as an `int`, as Python's own functions read one of a derived class.

    Raises TypeError for what is no whole number.
    """
    return int.__add__(operator.index(value), 0)


@lru_cache(maxsize=1024)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a text is, also in the short, hexadecimal and octal forms of C (`127.1`, `0x7f000001`).

    Python's look-ups take those as well, without asking a name server.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if not host[:1].isdigit() or not _CHARACTERS.issuperset(host):  # C would overlook what stands behind a blank
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _is_this_machine(host: str) -> bool:
    """Tell whether a host is this machine: its name, loopback, or the unspecified address that listeners bind to."""
    address = _address(host)
    if address:
        return address.is_loopback or address.is_unspecified
    return not host or host == "localhost" or host.endswith(".localhost") or host == socket.gethostname().lower()
