"""Reads a route of the user's own: a real host name, and the URL of the local server that answers for it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from pytest_azcred.redirect.routes import Address, Route, Routes, one_form

_HTTP_PORT = 80
# The ports of a real host that a server with a URL of this scheme answers at, unless the route names one.
_PORTS: Mapping[str, Sequence[int]] = {"http": (_HTTP_PORT, 443), "https": (443,), "tcp": ()}
_HOST = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/@\[\]]+)(?::([0-9]+))?")  # a name, IPv4 or [IPv6], and perhaps a port

Relay = Callable[[str, Address], Address]


class OwnRoute(NamedTuple):
    """A local server that answers at some ports of a real host."""

    host: str
    ports: Sequence[int]
    address: Address
    is_http: bool

    def addresses(self, relay: Relay) -> dict[Address, Address]:
        """Return where connections to each port of the host go.

        A server that speaks HTTP without TLS answers for https, too: `relay` returns the address at which it does so
        as a host. At port 80 nobody begins with TLS.
        """
        return {
            (self.host, port): relay(self.host, self.address) if self.is_http and port != _HTTP_PORT else self.address
            for port in self.ports
        }


def own_route(host: str, to: str) -> OwnRoute:
    """Return the route from a host, with a port if it is not the usual one of the URL's scheme, to a local URL.

    Raises ValueError if either is not of that form, or the URL is not of this machine.
    """
    target = urlsplit(to)
    try:
        port = target.port
    except ValueError:
        port = None
    if target.scheme not in _PORTS or port is None or target.hostname is None or target.path.strip("/"):
        raise ValueError(f"a route leads to a local server's URL such as 'https://127.0.0.1:10000', not to {to!r}")
    source = _HOST.fullmatch(host)
    if source is None:
        raise ValueError(f"a route is for a host name, with a port if need be, not for {host!r}")
    name, own_port = source.groups()
    ports = [int(own_port)] if own_port else _PORTS[target.scheme]
    if not ports or not all(0 < number < 65536 for number in ports):
        raise ValueError(f"a route to {to!r} is for a host and its port, such as '{name}:5432', not for {host!r}")
    address = "127.0.0.1" if target.hostname == "localhost" else target.hostname
    Routes([Route(name, 0, (address, port))])  # refuses what leads away from this machine
    return OwnRoute(one_form(name.strip("[]")).name, ports, (address, port), target.scheme == "http")
