"""What the `azcred` fixture hands out: the emulators around one test, and where the test's app runs."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import urlsplit

from azcred_emulators.directory import Directory
from azcred_emulators.emulation.journal import Journal
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import agent_folders, find, host_addresses
from azcred_emulators.environments.isolation import isolation
from azcred_emulators.serving.tls import write_private
from pytest_azcred.clock import Clock
from pytest_azcred.place import Place
from pytest_azcred.redirect.children import children
from pytest_azcred.redirect.folders import ABSENT, Folders
from pytest_azcred.redirect.own_route import own_route
from pytest_azcred.redirect.patching import Patches, sweep
from pytest_azcred.redirect.routes import UNREACHABLE, Route
from pytest_azcred.redirect.routing import Routing
from pytest_azcred.unspent import describe

if TYPE_CHECKING:
    from azcred_emulators.apis.protected_resource import Resource
    from azcred_emulators.authority.service import Authority
    from azcred_emulators.emulation.script import Faults
    from azcred_emulators.executables.service import Executables
    from azcred_emulators.federation.issuers import Issuers
    from azcred_emulators.federation.pipelines import Pipeline
    from azcred_emulators.hosts.endpoint import Endpoint
    from azcred_emulators.tokens import Tokens
    from pytest_azcred.browser import FakeBrowser


class Variables(Protocol):
    """What changes the process's environment variables and later restores them: pytest's `monkeypatch`."""

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""

    def delenv(self, name: str, raising: bool = True) -> None:
        """Remove a variable."""


class Session:
    """The emulators, isolated from the machine, for the time of one test.

    `watchers` make a context manager around each session of the process, which ends when the session has.
    `visited` are the names of the environments that the app has been in.
    """

    watchers: ClassVar[list[Callable[["Session"], AbstractContextManager[object]]]] = []

    def __init__(self, emulators: Emulators, variables: Variables) -> None:
        self._emulators = emulators
        self._variables = variables
        self._before: dict[str, str | None] = {}  # variables that environments have changed
        self._places: list[Place] = []
        self.visited: set[str] = set()
        self._until_another: Place | None = None  # where the test has not put the app itself
        self.clock = Clock(emulators.active.rotate_files)
        # An agent that this machine really has is not to be seen.
        self._hidden = {folder: ABSENT for folder in agent_folders() if os.path.isdir(folder)}
        self._folders = Folders()
        self._patches = Patches()
        self._routing = Routing(
            emulators.certificate_authority.pem,
            [
                *(Route(host, port, UNREACHABLE) for host, port in host_addresses()),
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
            describe(name, faults, self.journal.requests(emulator=name) or self.journal.requests(provider=name))
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

    @cached_property
    def browser(self) -> "FakeBrowser":
        """What `webbrowser` opens from now on: signs a user in on the pages, or cancels, or leaves them alone."""
        from pytest_azcred.browser import FakeBrowser

        browser = FakeBrowser(self.directory).install(self._patches)
        self._patches.afterwards(browser.close)
        return browser

    @property
    def place(self) -> Place | None:
        """Where the app is: the place that was entered last, None if there is none."""
        return self._places[-1] if self._places else None

    def faults_of(self, name: str) -> "Faults[Any]":
        """Return what is to go wrong with the next requests to an emulator, by its name."""
        return self._emulators.faults_of(name)

    @property
    def hosts(self) -> "Mapping[str, Endpoint]":
        """The hosts of managed identities, by name, such as "imds" and "app-service"."""
        return self._emulators.hosts

    @property
    def pipelines(self) -> "Mapping[str, Pipeline]":
        """Where the jobs of "azure-pipelines" and "github-actions" get tokens of their own."""
        return self._emulators.pipelines

    def environment(self, *names: str) -> Place:
        """Put the app into an environment, such as "virtual-machine", until the test ends or the place is left.

        Several compose, in one call or one after the other, and the chain's order decides whose identity the app has:
        `with azcred.environment("kubernetes", "developer-azure-cli") as place: ...`. Raises LookupError for a name
        that is not in the table, with the nearest one that is.
        """
        if not names:
            raise TypeError('environment() takes at least one name, such as "virtual-machine"')
        environments = [find(name) for name in names]
        if self._until_another is not None:
            self.visited.discard(self._until_another.environment.name)
            self.leave(self._until_another)
        self.visited.update(environment.name for environment in environments)
        setups = [self._emulators.active.enter(environment) for environment in environments]
        for setup in setups:
            for name, value in setup.variables.items():
                self._before.setdefault(name, os.environ.get(name))
                self._set({name: value})
            for (host, port), to in setup.routes.items():
                self._routing.add(Route(host, port, to))
            if setup.environment.browser:
                _ = self.browser
        self._places.append(Place(self, setups))
        self._redirect()
        return self._places[-1]

    def start_in(self, name: str) -> None:
        """Put the app into an environment until the test names one itself."""
        self._until_another = self.environment(name)

    def leave(self, place: Place) -> None:
        """Take the app out of a place; what other places set up stays, and so does what the test has changed since."""
        if place not in self._places:
            return
        self._places.remove(place)
        if place is self._until_another:
            self._until_another = None
        remaining = [setup for one in reversed(self._places) for setup in reversed(one.setups)]
        for setup in place.setups:
            self._emulators.active.leave(setup.environment)
            for name, value in setup.variables.items():
                if os.environ.get(name) == value:
                    others = (one.variables[name] for one in remaining if name in one.variables)
                    self._set({name: next(others, self._before[name])})
            for address in setup.routes:
                if not any(address in one.routes for one in remaining):
                    self._routing.add(Route(*address, UNREACHABLE))
        self._redirect()

    def install(self, *names: str) -> None:
        """Put fake executables such as "az" first on PATH until the test ends.

        Raises LookupError for one that there is no fake of.
        """
        self._set(self.executables.variables(*names))

    def route(self, host: str, to: str) -> None:
        """Let a local server answer for a real host name until the test ends.

        `host` is a name such as "myaccount.blob.core.windows.net", with a port if it is not the usual one of the
        scheme of `to`, the local server's URL: "https://127.0.0.1:10000". A server of an https URL must present
        a certificate from `certificate(host)`. Raises ValueError if either is not of that form.
        """
        self._add(own_route(host, to))

    def federate(self, domain: str) -> None:
        """Let the users of a domain, such as "fabrikam.com", sign in at an AD FS of its own until the test ends.

        It answers at "sts." and the domain, checks the directory's passwords, and is also a token service that clients
        address as the tenant "adfs". A domain that no tenant has becomes Contoso's.
        """
        self._emulators.adfs.federate(domain)

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
        with ExitStack() as watching:
            for watch in self.watchers:
                watching.enter_context(watch(self))
            yield from self._active()

    def _active(self) -> Iterator["Session"]:
        sweep()
        isolated = isolation(os.environ, self._emulators.folder)
        self._set({**isolated, **children(os.environ, self._emulators.folder)})
        self._routing.on_connect(self._emulators.connect)
        self._routing.activate()
        self._redirect()
        self._emulators.on_new_host = lambda host: self._add(Route(host, 443, self._emulators.https.address))
        try:
            yield self
        finally:
            self._emulators.on_new_host = None
            self.clock.stop()
            self._patches.undo()
            self._folders.redirect({})
            self._routing.deactivate()
            self._emulators.reset()
            shutil.rmtree(str(isolated["HOME"]), ignore_errors=True)

    def _add(self, route: Route) -> None:
        self._routing.add(route)
        self._redirect()

    def _redirect(self) -> None:
        """Let this process and its children go where the environments' routes and folders lead."""
        table = dict(self._hidden)
        for place in self._places:
            for setup in place.setups:
                table |= {folder: str(stand_in) for folder, stand_in in setup.folders.items()}
        self._folders.redirect(table)
        self._routing.save(self._emulators.folder / "routing.json", table)

    def _set(self, variables: Mapping[str, str | None]) -> None:
        for name, value in variables.items():
            if value is None:
                self._variables.delenv(name, raising=False)
            else:
                self._variables.setenv(name, value)
