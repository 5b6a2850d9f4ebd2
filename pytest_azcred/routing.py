"""Redirects this process's connections: real host names and addresses lead to listeners on loopback.

Only the standard library is imported here, so that child processes can load the same redirection at their
start (`sitecustomize`). What is patched belongs to Python, never to an SDK: `socket`'s look-ups and connects, and
the two methods of `ssl.SSLContext` that start a client's TLS. Three places have sockets or resolvers of their
own and are led back to these: aiohttp with aiodns, and uvloop's `getaddrinfo` and `create_connection`.
"""

import asyncio
import errno
import inspect
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pytest_azcred.patching import Patches

Address = tuple[str, int]


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


class HostRefused(RuntimeError):
    """A connection or look-up that would have left this machine.

    It is no OSError, so that no client takes it for a network failure that is worth retrying.
    """

    def __init__(self, host: str, port: object = None) -> None:
        where = f"{host}:{port}" if port else host
        super().__init__(
            f"azcred refused a connection to {where!r}, because nothing may leave this machine during the test; "
            f'call azcred.route("{host}", "http://127.0.0.1:PORT") to have a local server answer for it.'
        )
        self.host = host


class Routing:
    """A table of routes, and the redirection of this process's connections by it while it is active.

    `certificate_authority` is the PEM certificate that vouches for routed names.
    """

    def __init__(self, certificate_authority: str, routes: Iterable[Route] = ()) -> None:
        self._certificate_authority = certificate_authority
        self._trust: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._targets: dict[str, dict[int, Target]] = {}
        self._stand_ins: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._patches = Patches()
        for route in routes:
            self.add(route)

    @property
    def routes(self) -> list[Route]:
        """The routes, in the order in which they were added."""
        return [Route(host, port, target) for host, ports in self._targets.items() for port, target in ports.items()]

    def add(self, route: Route) -> None:
        """Add a route; one for the same host and port is replaced."""
        with self._lock:
            self._targets.setdefault(route.host.lower(), {})[route.port] = route.target

    def save(self, path: Path) -> None:
        """Write table and certificate to a file, for child processes."""
        routes = [[r.host, r.port, None if isinstance(r.target, Unreachable) else list(r.target)] for r in self.routes]
        path.write_text(json.dumps({"certificate_authority": self._certificate_authority, "routes": routes}))

    @classmethod
    def load(cls, path: Path) -> "Routing":
        """Read what `save` wrote."""
        saved = json.loads(path.read_text())
        routes = (Route(host, port, tuple(to) if to else UNREACHABLE) for host, port, to in saved["routes"])
        return cls(saved["certificate_authority"], routes)

    def activate(self) -> None:
        """Redirect this process's connections until `deactivate`."""
        patches = self._patches
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
            patches.replace(socket, name, getattr(self, f"_{name}")(getattr(socket, name)))
        for name in ("connect", "connect_ex", "sendto"):
            patches.replace(socket.socket, name, getattr(self, f"_{name}")(getattr(socket.socket, name)))
        for name in ("wrap_socket", "wrap_bio"):
            patches.replace(ssl.SSLContext, name, self._wrap(getattr(ssl.SSLContext, name)))
        patches.after_import("aiohttp.resolver", self._patch_aiohttp)
        patches.after_import("uvloop", self._patch_uvloop)

    def deactivate(self) -> None:
        """Restore everything that `activate` replaced."""
        self._patches.undo()

    # The table

    def _ports(self, host: str) -> Mapping[int, Target] | None:
        """Return the routes of a host by port: its own, else those of the first pattern that it matches."""
        if host in self._targets:
            return self._targets[host]
        for pattern, ports in list(self._targets.items()):
            if pattern.startswith("*.") and host.endswith(pattern[1:]):
                return ports
        return None

    def _stand_in(self, host: str) -> str:
        """Return the address in 127/8 that look-ups of a routed name give: what slips through stays here."""
        with self._lock:
            if host not in self._stand_ins:
                number = len(self._stand_ins) + 1
                self._stand_ins[host] = f"127.84.{number >> 8 & 255}.{number & 255}"
                self._names[self._stand_ins[host]] = host
            return self._stand_ins[host]

    def _resolve(self, host: object, port: object = None) -> str | None:
        """Return the address to look up in a name's place, None to look it up as it is.

        Raises HostRefused for a name that is neither routed nor this machine's.
        """
        name = _text(host)
        if not name or _is_address(name):
            return None
        if self._ports(name) is not None:
            return self._stand_in(name)
        if name == "localhost" or name.endswith(".localhost"):
            return None
        if name == socket.gethostname().lower():
            return "127.0.0.1"
        raise HostRefused(name, port)

    def _target(self, connection: socket.socket, address: Any) -> Any:
        """Return the address to connect to in place of this one.

        Raises HostRefused for one outside this machine, OSError for an unreachable one.
        """
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            return address
        host, port = _text(address[0]), address[1]
        host = self._names.get(host, host)
        target = (self._ports(host) or {}).get(port)
        if target is None:
            if not host or host == "localhost" or _is_loopback(host) or host == socket.gethostname().lower():
                return address
            raise HostRefused(host, port)
        if isinstance(target, Unreachable):
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        if connection.family == socket.AF_INET6 and ":" not in target[0]:
            return (f"::ffff:{target[0]}", target[1])
        return target

    # Replacements of functions and methods, each made from the original

    def _getaddrinfo(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def getaddrinfo(
            host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
        ) -> list[Any]:
            address = self._resolve(host, port)
            if address is None:
                return original(host, port, family, type, proto, flags)  # type: ignore[no-any-return]
            if family == socket.AF_INET6:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return original(address, port, socket.AF_INET, type, proto, flags)  # type: ignore[no-any-return]

        return getaddrinfo

    def _gethostbyname(self, original: Callable[[str], str]) -> Callable[[str], str]:
        return lambda hostname: self._resolve(hostname) or original(hostname)

    def _gethostbyname_ex(self, original: Callable[[str], Any]) -> Callable[[str], Any]:
        return lambda hostname: original(self._resolve(hostname) or hostname)

    def _gethostbyaddr(self, original: Callable[[str], Any]) -> Callable[[str], Any]:
        def gethostbyaddr(address: str) -> Any:
            known = self._resolve(address) or address
            if not _is_loopback(known):
                raise HostRefused(address)
            return original(known)

        return gethostbyaddr

    def _connect(self, original: Callable[..., None]) -> Callable[..., None]:
        return lambda connection, address: original(connection, self._target(connection, address))

    def _connect_ex(self, original: Callable[..., int]) -> Callable[..., int]:
        def connect_ex(connection: socket.socket, address: Any) -> int:
            try:
                return original(connection, self._target(connection, address))
            except OSError as error:
                return error.errno or errno.ENETUNREACH

        return connect_ex

    def _sendto(self, original: Callable[..., int]) -> Callable[..., int]:
        def sendto(connection: socket.socket, data: Any, *rest: Any) -> int:
            *flags, address = rest
            return original(connection, data, *flags, self._target(connection, address))

        return sendto

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Give client connections to routed names to a context that trusts the run's certificate authority.

        The app's own context may have been made long before; one that verifies nothing is left as it is.
        """

        signature = inspect.signature(original)

        def wrap(*arguments: Any, **keywords: Any) -> Any:
            call = signature.bind(*arguments, **keywords)
            given = call.arguments
            name = _text(given.get("server_hostname"))
            if (
                name
                and not given.get("server_side")
                and self._ports(name) is not None
                and given["self"].verify_mode is not ssl.CERT_NONE
            ):
                given["self"] = self._trusting_context()
                given.pop("session", None)  # it belongs to the context that made it
            return original(*call.args, **call.kwargs)

        return wrap

    def _trusting_context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context(cadata=self._certificate_authority)
        return self._trust

    def _patch_aiohttp(self, resolver: Any) -> None:
        async def resolve(_: object, host: str, port: int = 0, family: int = socket.AF_INET) -> list[dict[str, Any]]:
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
            return [
                {
                    "hostname": host,
                    "host": address[0],
                    "port": address[1],
                    "family": found,
                    "proto": protocol,
                    "flags": socket.AI_NUMERICHOST,
                }
                for found, _kind, protocol, _name, address in infos
            ]

        self._patches.replace(resolver.AsyncResolver, "resolve", resolve)

    def _patch_uvloop(self, uvloop: Any) -> None:
        original = uvloop.Loop.create_connection

        async def getaddrinfo(
            _: object, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
        ) -> list[Any]:
            return socket.getaddrinfo(host, port, family, type, proto, flags)

        async def create_connection(
            loop: Any, factory: Any, host: Any = None, port: Any = None, **keywords: Any
        ) -> tuple[Any, Any]:
            if host is None or keywords.get("sock") is not None:
                return await original(loop, factory, host, port, **keywords)  # type: ignore[no-any-return]
            connection = await _connected(loop, host, port, keywords)
            if keywords.get("ssl"):
                keywords.setdefault("server_hostname", host)
            return await original(loop, factory, sock=connection, **keywords)  # type: ignore[no-any-return]

        self._patches.replace(uvloop.Loop, "getaddrinfo", getaddrinfo)
        self._patches.replace(uvloop.Loop, "create_connection", create_connection)


async def _connected(loop: Any, host: Any, port: Any, keywords: dict[str, Any]) -> socket.socket:
    """Connect a socket as `create_connection` would, and take the keywords that only say how out of its call."""
    local_address = keywords.pop("local_addr", None)
    for name in ("happy_eyeballs_delay", "interleave", "all_errors"):
        keywords.pop(name, None)
    family, flags = keywords.pop("family", 0), keywords.pop("flags", 0)
    error: OSError | None = None
    for found, kind, protocol, _, address in socket.getaddrinfo(
        host, port, family, socket.SOCK_STREAM, keywords.pop("proto", 0), flags
    ):
        connection = socket.socket(found, kind, protocol)
        try:
            connection.setblocking(False)
            if local_address:
                connection.bind(local_address)
            await loop.sock_connect(connection, address)
        except OSError as failure:
            error = failure
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise error or OSError(f"no address found for {host!r}")


def _text(host: object) -> str:
    text = host.decode("idna") if isinstance(host, bytes | bytearray) else str(host or "")
    return text.rstrip(".").lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's: loopback, or the unspecified one that listeners bind to."""
    if not _is_address(host):
        return False
    address = ipaddress.ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified
