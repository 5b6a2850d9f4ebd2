"""Reads a route of the user's own: a real host name, and the URL of the local server that answers for it."""

import re
from urllib.parse import urlsplit

from pytest_azcred.redirect.routes import Route, Routes

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/@\[\]]+)(?::([0-9]+))?")  # a name, IPv4 or [IPv6], and perhaps a port


def own_route(host: str, to: str) -> Route:
    """Return the route from a host, with a port if it is not the usual one of the URL's scheme, to a local URL.

    Raises ValueError if either is not of that form, or the URL is not of this machine.
    """
    target = urlsplit(to)
    try:
        port = target.port
    except ValueError:
        port = None
    if target.scheme not in _DEFAULT_PORTS or port is None or target.hostname is None or target.path.strip("/"):
        raise ValueError(f"a route leads to a local server's URL such as 'https://127.0.0.1:10000', not to {to!r}")
    source = _HOST.fullmatch(host)
    if source is None:
        raise ValueError(f"a route is for a host name, with a port if need be, not for {host!r}")
    name, own_port = source.groups()
    address = "127.0.0.1" if target.hostname == "localhost" else target.hostname
    route = Route(name.strip("[]"), int(own_port or _DEFAULT_PORTS[target.scheme]), (address, port))
    Routes([route])  # refuses what leads away from this machine
    return route
