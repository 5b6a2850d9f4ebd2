"""Redirects this process's connections: real host names and addresses lead to listeners on loopback.

What is replaced belongs to Python, never to an SDK: `socket`'s look-ups and connects, and the place where `ssl`
starts a client's TLS. Two libraries have sockets or a resolver of their own in C and are led back to these:
uvloop, and pycares (which aiohttp uses through aiodns).

Child processes load this at their start (`sitecustomize`), so it imports little, and patches what is not loaded yet
when it will be.
"""

import _socket
import errno
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_azcred.redirect import audit, child_variables, desktop
from pytest_azcred.redirect.children import ROUTING
from pytest_azcred.redirect.folders import Folders
from pytest_azcred.redirect.patching import Patches
from pytest_azcred.redirect.refusals import Refusals
from pytest_azcred.redirect.remedies import Remedy
from pytest_azcred.redirect.routes import (
    UNREACHABLE,
    OutsideConnectionError,
    Route,
    Routes,
    Target,
    Unreachable,
    exact_number,
    one_form,
)

__all__ = ["UNREACHABLE", "OutsideConnectionError", "Route", "Routing", "Target"]

_Function = Callable[..., Any]
_UNIX = getattr(socket, "AF_UNIX", None)


class Routing:
    """The redirection of this process's connections by a table of routes while it is active.

    `certificate_authority` is the PEM certificate that vouches for routed names; `remedies` are what refusals name,
    which are OSErrors if `unreachable`. `folder` is the private one of the files that children read and write. The
    `refusals` are recorded.
    """

    def __init__(
        self,
        certificate_authority: str,
        folder: Path,
        routes: Iterable[Route] = (),
        remedies: Iterable[Remedy] = (),
        *,
        refusals: Refusals | None = None,
        unreachable: bool = False,
    ) -> None:
        self._certificate_authority = certificate_authority
        self._folder = folder
        self._routes = Routes(routes, remedies, unreachable=unreachable)
        self.refusals: Refusals = refusals or Refusals(folder)
        self._routes.on_refuse = self.refusals.add
        self._patches = Patches(isolating=True)
        desktop.remember(os.environ)

    @property
    def routes(self) -> list[Route]:
        """The routes, in the order in which their hosts were added."""
        return list(self._routes)

    @routes.setter
    def routes(self, routes: Iterable[Route]) -> None:
        self._routes.replace(routes)

    def on_connect(self, decide: Callable[[str, int], tuple[str, int] | None]) -> None:
        """Let a function decide about this process's connections to this machine: where they lead, None for as usual.

        It may raise OSError, for the client to see.
        """
        self._routes.on_connect = decide

    def add(self, route: Route) -> None:
        """Add a route; one for the same host and port is replaced.

        Raises ValueError if it leads away from this machine.
        """
        self._routes.add(route)

    def lead(self, host: str, port: int) -> tuple[str, int]:
        """Return where a connection of another process leads that asks for it, as this process's do.

        Raises OutsideConnectionError, also for a network that is not there, and OSError if it fails.
        """
        try:
            return self._routes.destination(host, port)
        except OSError as error:
            if error.errno != errno.ENETUNREACH or isinstance(error, OutsideConnectionError):
                raise
            raise self._routes.unreported(host, port) from None  # places are asked for what they lack all the time

    def save(
        self, folders: Mapping[str, str], variables: Mapping[str, Sequence[str | None]] = MappingProxyType({})
    ) -> None:
        """Write table and certificate to a file, for child processes, which may read it at any moment.

        `folders` are those that others stand for; see `Folders`. `variables` are those of `ChildVariables`.
        """
        routes = [[r.host, r.port, None if isinstance(r.target, Unreachable) else list(r.target)] for r in self._routes]
        saved = {
            "certificate_authority": self._certificate_authority,
            "routes": routes,
            "remedies": self._routes.remedies,
            "unreachable": self._routes.unreachable,
            "folders": dict(folders),
            "sockets": desktop.remembered(),
            "variables": dict(variables),
        }
        self.refusals.prepare()
        path = self._folder / ROUTING
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(saved))
        os.replace(unfinished, path)

    def remove(self) -> None:
        """Remove the file: a child process that starts later ends at once."""
        (self._folder / ROUTING).unlink(missing_ok=True)

    @classmethod
    def resume(cls, path: Path) -> None:
        """Redirect this process as `save` has written it down, until it ends."""
        saved = json.loads(path.read_text())
        routes = (Route(host, port, tuple(to) if to else UNREACHABLE) for host, port, to in saved["routes"])
        desktop.add(saved["sockets"])
        remedies = (Remedy(*remedy) for remedy in saved["remedies"])
        routing = cls(saved["certificate_authority"], path.parent, routes, remedies, unreachable=saved["unreachable"])
        routing._routes.on_refuse = routing.refusals.report
        routing.activate()
        Folders().redirect(saved["folders"])
        child_variables.resume(saved["variables"])

    def activate(self) -> None:
        """Redirect this process's connections until `deactivate`."""
        patches = self._patches
        # The C function under socket.getaddrinfo, which other modules may have imported by its name.
        patches.wrap(_socket, "getaddrinfo", self._getaddrinfo)
        patches.wrap(socket, "gethostbyname", self._look_up)
        patches.wrap(socket, "gethostbyname_ex", self._look_up)
        patches.wrap(socket, "gethostbyaddr", self._gethostbyaddr)
        patches.wrap(socket, "getnameinfo", self._getnameinfo)
        patches.wrap(socket.socket, "connect", self._connect)
        patches.wrap(socket.socket, "connect_ex", self._connect_ex)
        patches.wrap(socket.socket, "sendto", self._sendto)
        patches.wrap(socket.socket, "sendmsg", self._sendmsg)
        patches.after_import("ssl", self._patch_ssl)
        patches.after_import("asyncio.base_events", self._patch_asyncio)
        patches.after_import("uvloop", self._patch_uvloop)
        patches.after_import("pycares", self._patch_pycares)
        patches.after_import("multiprocessing.forkserver", self._patch_forkserver)
        audit.begin(self._routes)

    def deactivate(self) -> None:
        """Restore everything that `activate` replaced."""
        audit.end(self._routes)
        self._patches.undo()

    # Look-ups

    def _getaddrinfo(self, original: _Function) -> _Function:
        def getaddrinfo(
            host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
        ) -> list[Any]:
            flags = exact_number(flags)
            if host is None or flags & socket.AI_NUMERICHOST:  # neither asks a name server
                with audit.numeric():
                    return original(host, port, family, type, proto, flags)  # type: ignore[no-any-return]
            address = self._routes.address_of(host, port)
            if address != one_form(host).text:
                flags &= ~socket.AI_ADDRCONFIG  # a machine whose only network is loopback has no such addresses
            return original(address, port, family, type, proto, flags)  # type: ignore[no-any-return]

        return getaddrinfo

    def _look_up(self, original: _Function) -> _Function:
        return lambda host: original(self._routes.address_of(host))

    def _gethostbyaddr(self, _: _Function) -> _Function:
        def gethostbyaddr(host: Any) -> tuple[str, list[str], list[str]]:
            name = self._routes.name_of(host)
            return name, [], [socket.gethostbyname(name)]

        return gethostbyaddr

    def _getnameinfo(self, original: _Function) -> _Function:
        def getnameinfo(address: Any, flags: int) -> tuple[str, str]:
            with audit.numeric():
                host, service = original(address, flags | socket.NI_NUMERICHOST)
            return host if flags & socket.NI_NUMERICHOST else self._routes.name_of(host), service

        return getnameinfo

    # Connections

    def _target(self, connection: socket.socket, address: Any) -> Any:
        """Return the address to connect a socket to in place of this one."""
        if connection.family == _UNIX:
            desktop.check(address)
        if connection.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            return address
        parts = tuple.__getitem__(address, slice(None))  # as C reads a tuple, of whatever class
        if len(parts) < 2:
            return parts
        host, port = self._routes.destination(*parts[:2])
        if host == one_form(parts[0]).text:
            return host, port, *parts[2:]
        if connection.family == socket.AF_INET6 and ":" not in host:
            host = f"::ffff:{host}"
        return host, port

    def _connect(self, original: _Function) -> _Function:
        def connect(connection: socket.socket, address: Any) -> None:
            with _closed_if_refused(connection):
                target = self._target(connection, address)
            original(connection, target)

        return connect

    def _connect_ex(self, original: _Function) -> _Function:
        def connect_ex(connection: socket.socket, address: Any) -> int:
            try:
                with _closed_if_refused(connection):
                    target = self._target(connection, address)
            except OSError as error:
                return error.errno or 0
            return original(connection, target)  # type: ignore[no-any-return]

        return connect_ex

    def _sendto(self, original: _Function) -> _Function:
        def sendto(connection: socket.socket, data: Any, *flags_and_address: Any) -> int:
            *flags, address = flags_and_address
            return original(connection, data, *flags, self._target(connection, address))  # type: ignore[no-any-return]

        return sendto

    def _sendmsg(self, original: _Function) -> _Function:
        def sendmsg(
            connection: socket.socket, buffers: Any, ancillary: Any = (), flags: int = 0, address: Any = None
        ) -> int:
            target = self._target(connection, address)
            return original(connection, buffers, ancillary, flags, target)  # type: ignore[no-any-return]

        return sendmsg

    # TLS

    def _patch_ssl(self, ssl: Any) -> None:
        # The app may have put a class of its own in the place of ssl's (truststore does).
        context_class = next(kind for kind in ssl.SSLContext.__mro__ if kind.__module__ == "ssl")

        @cache
        def trusting() -> Any:
            context = context_class(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(cadata=self._certificate_authority)
            return context

        def starting(original: _Function) -> _Function:
            """Let the run's certificate authority, and it alone, vouch for routed names.

            The app's context may have been made long before, so it stays as it is, and decides everything else:
            protocol versions, ALPN, whether names are checked. One that verifies nothing still does not.
            """

            def start(context: Any, *arguments: Any, session: Any = None, **keywords: Any) -> Any:
                tls = original(context, *arguments, **keywords)
                if not tls.server_side and tls.server_hostname in self._routes and context.verify_mode:
                    tls.context = trusting()
                if session is not None:
                    tls.session = session
                return tls

            return start

        self._patches.wrap(context_class, "_wrap_socket", starting)
        self._patches.wrap(context_class, "_wrap_bio", starting)

    # Child processes

    def _patch_forkserver(self, forkserver: Any) -> None:
        """Let workers come from a server that is started under the redirection, and ends with it.

        One that an earlier test has started makes processes that know nothing of it.
        """
        server = forkserver.ForkServer()
        server.set_forkserver_preload(forkserver._forkserver._preload_modules)

        def stop() -> None:
            if server._forkserver_pid and not sys.modules["multiprocessing"].active_children():
                server._stop()  # it would wait for workers that the test has left running

        self._patches.afterwards(stop)
        self._patches.replace(forkserver, "_forkserver", server)
        for name in ("ensure_running", "get_inherited_fds", "connect_to_new_process", "set_forkserver_preload"):
            self._patches.replace(forkserver, name, getattr(server, name))

    # Event loops and resolvers

    def _patch_asyncio(self, base_events: Any) -> None:
        # With a `happy_eyeballs_delay` asyncio loses every exception that is no OSError.
        self._patches.wrap(base_events.BaseEventLoop, "create_connection", self._create_connection)

    def _patch_uvloop(self, uvloop: Any) -> None:
        async def getaddrinfo(
            _: object, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
        ) -> list[Any]:
            return socket.getaddrinfo(host, port, family, type, proto, flags)

        async def getnameinfo(_: object, address: Any, flags: int = 0) -> tuple[str, str]:
            return socket.getnameinfo(address, flags)

        self._patches.replace(uvloop.Loop, "getaddrinfo", getaddrinfo)
        self._patches.replace(uvloop.Loop, "getnameinfo", getnameinfo)
        self._patches.wrap(uvloop.Loop, "subprocess_exec", self._with_child_variables)
        self._patches.wrap(uvloop.Loop, "subprocess_shell", self._with_child_variables)
        self._patches.wrap(uvloop.Loop, "create_connection", self._create_connection)
        self._patches.wrap(uvloop.Loop, "create_unix_connection", self._create_unix_connection)
        self._patches.wrap(uvloop.Loop, "create_datagram_endpoint", self._create_datagram_endpoint)

    def _create_connection(self, original: _Function) -> _Function:
        async def create_connection(
            loop: Any, factory: Any, host: Any = None, port: Any = None, **keywords: Any
        ) -> tuple[Any, Any]:
            if host:
                if keywords.get("ssl") and keywords.get("server_hostname") is None:
                    keywords["server_hostname"] = host
                host, port = self._routes.destination(host, _port_number(port))
            return await original(loop, factory, host, port, **keywords)  # type: ignore[no-any-return]

        return create_connection

    def _with_child_variables(self, original: _Function) -> _Function:
        async def start(*arguments: Any, env: Any = None, **keywords: Any) -> tuple[Any, Any]:
            child_variables.before_start()
            env = child_variables.completed(env)
            return await original(*arguments, env=env, **keywords)  # type: ignore[no-any-return]

        return start

    def _create_unix_connection(self, original: _Function) -> _Function:
        async def create_unix_connection(loop: Any, factory: Any, path: Any = None, **keywords: Any) -> tuple[Any, Any]:
            desktop.check(path)
            return await original(loop, factory, path, **keywords)  # type: ignore[no-any-return]

        return create_unix_connection

    def _create_datagram_endpoint(self, original: _Function) -> _Function:
        async def create_datagram_endpoint(
            loop: Any, factory: Any, local_addr: Any = None, remote_addr: Any = None, **keywords: Any
        ) -> tuple[Any, Any]:
            if remote_addr:
                remote_addr = self._routes.destination(*remote_addr)
            return await original(loop, factory, local_addr, remote_addr, **keywords)  # type: ignore[no-any-return]

        return create_datagram_endpoint

    def _patch_pycares(self, pycares: Any) -> None:
        def look_up(original: _Function) -> _Function:
            return lambda channel, host, *rest, **keywords: original(
                channel, self._routes.address_of(host), *rest, **keywords
            )

        def ask(_: _Function) -> _Function:
            def refuse(channel: object, question: Any, *_: object, **__: object) -> None:
                host = question[0] if isinstance(question, tuple) else question
                raise self._routes.refusal(one_form(host).name)

            return refuse

        for name in ("getaddrinfo", "gethostbyname"):
            self._patches.wrap(pycares.Channel, name, look_up)
        for name in ("query", "search", "gethostbyaddr", "getnameinfo"):
            self._patches.wrap(pycares.Channel, name, ask)


@contextmanager
def _closed_if_refused(connection: socket.socket) -> Iterator[None]:
    """Close the socket of a refused connection, as callers do for an OSError only."""
    try:
        yield
    except OutsideConnectionError:
        connection.close()
        raise


def _port_number(port: Any) -> int:
    """Return the number of a port that may be given as text or as the name of a service."""
    return int(socket.getaddrinfo(None, port or 0, type=socket.SOCK_STREAM)[0][4][1])
