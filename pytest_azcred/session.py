"""What the `azcred` fixture hands out: the emulators around one test, and the place the test's app runs in."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from azcred_emulators.directory import Directory, Principal
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import Environment, find
from azcred_emulators.hosts import IMDS_ADDRESS
from azcred_emulators.journal import Entry, Journal
from azcred_emulators.tls import write_private
from pytest_azcred.clock import Clock
from pytest_azcred.isolation import isolation
from pytest_azcred.routing import UNREACHABLE, Route, Routing

if TYPE_CHECKING:
    from azcred_emulators.authority import Authority
    from azcred_emulators.executables.service import Executables
    from azcred_emulators.faults.fault import Fault
    from azcred_emulators.faults.script import Faults
    from azcred_emulators.issuers import Issuers
    from azcred_emulators.resource import Resource
    from azcred_emulators.tokens import Tokens

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/@\[\]]+)(?::([0-9]+))?")  # a name, IPv4 or [IPv6], and perhaps a port
# Where the agents of Azure Arc and Cloud Shell listen on a real machine; loopback, yet a real identity.
_AGENT_PORTS = (40342, 50342)


class Variables(Protocol):
    """What changes the process's environment variables and later restores them: pytest's `monkeypatch`."""

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""

    def delenv(self, name: str, raising: bool = True) -> None:
        """Remove a variable."""


class Place:
    """An environment that the app runs in during a test: its identity, and the requests for its tokens."""

    def __init__(self, environment: Environment, emulators: Emulators) -> None:
        self.environment = environment
        self._emulators = emulators
        self._journal = emulators.journal
        self._directory = emulators.directory

    def __repr__(self) -> str:
        return f"<azcred environment {self.environment.name!r}>"

    @property
    def identity(self) -> Principal:
        """The application or managed identity that the app has here.

        Raises LookupError if the environment gives none, or the test has removed it.
        """
        client_id = self.environment.client_id
        principal = self._directory.principal(client_id) if client_id else None
        if principal is None:
            raise LookupError(f"the environment {self.environment.name!r} has no identity in the directory")
        return principal

    @property
    def faults(self) -> "Faults[Fault]":
        """What is to go wrong with the next requests to what hands out the tokens here: the host, or the authority.

        Raises LookupError if nothing does.
        """
        if self.environment.provider is None:
            raise LookupError(f"nothing hands out tokens in the environment {self.environment.name!r}")
        return self._emulators.imds.faults if self.environment.host else self._emulators.authority.faults

    @property
    def requests(self) -> Sequence[Entry]:
        """The requests that reached this environment's provider, probes included, in order."""
        return self._journal.requests(provider=self.environment.provider)

    @property
    def statuses(self) -> list[int | None]:
        """The HTTP statuses of `requests`."""
        return [entry.status for entry in self.requests]


class Session:
    """The emulators, isolated from the machine, for the time of one test."""

    def __init__(self, emulators: Emulators, variables: Variables) -> None:
        self._emulators = emulators
        self._variables = variables
        self._environments: list[Environment] = []
        self._files: dict[Path, str] = {}
        self.clock = Clock(self._rotate_files)
        self._routing = Routing(
            emulators.certificate_authority.pem,
            [
                Route(IMDS_ADDRESS, 80, UNREACHABLE),
                *(Route(address, port, UNREACHABLE) for address in ("127.0.0.1", "::1") for port in _AGENT_PORTS),
                *(Route(name, port, to) for (name, port), to in emulators.authority_routes().items()),
            ],
        )

    @property
    def directory(self) -> Directory:
        """The emulated tenants and everything in them; the test may change them at any time."""
        return self._emulators.directory

    @property
    def journal(self) -> Journal:
        """Every request that reached an emulator during the test."""
        return self._emulators.journal

    @property
    def authority(self) -> "Authority":
        """The Entra ID token service; `authority.faults` is what is to go wrong with its next requests for tokens."""
        return self._emulators.authority

    @property
    def unspent_faults(self) -> str:
        """What to tell of faults that no request of the test has met; nothing if there are none."""
        return "\n".join(
            _unspent(name, faults, self.journal.requests(emulator=name))
            for name, faults in self._emulators.unspent_faults().items()
        )

    @property
    def tokens(self) -> "Tokens":
        """Mints tokens like those that the emulators hand out."""
        return self._emulators.tokens

    @property
    def issuers(self) -> "Issuers":
        """The token issuers outside Entra ID, such as a Kubernetes cluster's."""
        return self._emulators.issuers

    @property
    def executables(self) -> "Executables":
        """The fake developer tools: who is signed in to them, and what goes wrong with them."""
        return self._emulators.executables

    @property
    def routes(self) -> Sequence[Route]:
        """Where connections of the app go."""
        return self._routing.routes

    def environment(self, *names: str) -> Place:
        """Put the app into an environment, such as "virtual-machine", until the test ends.

        Several compose, in one call or one after the other; the last one's place is returned. Raises LookupError
        for a name that is not in the table, with the nearest one that is.
        """
        if not names:
            raise TypeError('environment() takes at least one name, such as "virtual-machine"')
        places = []
        for environment in [find(name) for name in names]:
            if environment.host == "imds":
                self._add(Route(IMDS_ADDRESS, 80, self._emulators.http.address))
            if environment.executables:
                self.install(*environment.executables)
            self._set(environment.variables(self._emulators, self._emulators.folder))
            self._write_files(environment)
            self._environments.append(environment)
            places.append(Place(environment, self._emulators))
        return places[-1]

    def install(self, *names: str) -> None:
        """Put fake executables such as "az" first on PATH until the test ends.

        Raises LookupError for one that there is no fake of.
        """
        folder = str(self.executables.install(*names))
        path = os.environ.get("PATH", os.defpath).split(os.pathsep)
        others = [entry for entry in path if entry != folder]
        self._set({"AZCRED_EXECUTABLES": str(self.executables.state), "PATH": os.pathsep.join([folder, *others])})

    def route(self, host: str, to: str) -> None:
        """Let a local server answer for a real host name until the test ends.

        `host` is a name such as "myaccount.blob.core.windows.net", with a port if it is not the usual one of the
        scheme of `to`, the local server's URL: "https://127.0.0.1:10000". A server of an https URL must present
        a certificate from `certificate(host)`. Raises ValueError if either is not of that form.
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
        name, given = source.groups()
        address = "127.0.0.1" if target.hostname == "localhost" else target.hostname
        self._add(Route(name.strip("[]"), int(given or _DEFAULT_PORTS[target.scheme]), (address, port)))

    def resource(self, url: str, audience: str | None = None) -> "Resource":
        """Put a protected resource at a real https URL, such as "https://myvault.vault.azure.net".

        It checks tokens as the real service does, challenges clients without one, and answers what the test sets
        with its `answer()`. `audience` is what tokens must be for; by default that of the Azure service at such
        names, else the URL. Raises ValueError if the URL is not an https one.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"a resource is at an https URL such as 'https://myvault.vault.azure.net', not at {url!r}")
        self._add(Route(parts.hostname, parts.port or 443, self._emulators.https.address))
        return self._emulators.resources.add(parts.hostname, audience)

    def certificate(self, *names: str) -> tuple[Path, Path]:
        """Return the files of a certificate chain and its private key for a local server under these names.

        The app trusts it for every routed name. Only this user can read the files; they go with the run.
        """
        if not names:
            raise TypeError('certificate() takes at least one name, such as "myaccount.blob.core.windows.net"')
        chain, key = self._emulators.certificate_authority.issue(*names)
        folder = self._emulators.folder
        stem = names[0].replace("*", "_")
        return write_private(folder / f"{stem}.crt", chain), write_private(folder / f"{stem}.key", key)

    @contextmanager
    def active(self) -> Iterator["Session"]:
        """Isolate the process and redirect its connections; on leaving, everything is as it was."""
        isolated = isolation(os.environ, self._emulators.folder)
        self._set(isolated)
        children = str(Path(__file__).parent / "child")
        self._set(
            {
                "AZCRED_ROUTING": str(self._emulators.folder / "routing.json"),
                "PYTHONPATH": os.pathsep.join(filter(None, (children, os.environ.get("PYTHONPATH")))),
            }
        )
        self._routing.save(self._emulators.folder / "routing.json")
        self._routing.activate()
        self._emulators.on_new_host = lambda host: self._add(Route(host, 443, self._emulators.https.address))
        try:
            yield self
        finally:
            self._emulators.on_new_host = None
            self.clock.stop()
            self._routing.deactivate()
            self._emulators.reset()
            shutil.rmtree(str(isolated["HOME"]), ignore_errors=True)

    def _write_files(self, environment: Environment) -> None:
        for name, content in environment.files(self._emulators).items():
            path = write_private(self._emulators.folder / name, content.encode())
            self._files[path] = content

    def _rotate_files(self) -> None:
        """Renew files for a clock that has moved, as the platforms do, unless the test has changed them."""
        for environment in self._environments:
            for name, content in environment.files(self._emulators).items():
                path = self._emulators.folder / name
                if path.exists() and path.read_text() == self._files[path]:
                    write_private(path, content.encode())
                    self._files[path] = content

    def _add(self, route: Route) -> None:
        self._routing.add(route)
        self._routing.save(self._emulators.folder / "routing.json")

    def _set(self, variables: Mapping[str, str | None]) -> None:
        for name, value in variables.items():
            if value is None:
                self._variables.delenv(name, raising=False)
            else:
                self._variables.setenv(name, value)


def _unspent(name: str, faults: "Faults[Fault]", requests: Sequence[Entry]) -> str:
    """Return a report of an emulator's unspent faults, with the requests that were not enough for them."""
    left = faults.unspent
    which = ", ".join(map(repr, left))
    were = "was" if len(left) == 1 else "were"
    count = f"{len(requests)} request{'' if len(requests) == 1 else 's'}"
    return "\n".join(
        [
            f"azcred: {len(left)} of {faults.added} faults for {name!r} {were} never reached: {which}.",
            f"The app made {count} to {name!r}{':' if requests else '.'}",
            *(f"  {entry.number}  {entry}" for entry in requests),
        ]
    )
