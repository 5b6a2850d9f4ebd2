"""This process while it is isolated from its machine: its variables, connections and files, and where its app is."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import Environment, agent_folders, host_addresses
from azcred_emulators.environments.isolation import isolation
from pytest_azcred.clock import Clock
from pytest_azcred.place import Place
from pytest_azcred.redirect.children import children
from pytest_azcred.redirect.folders import ABSENT, Folders
from pytest_azcred.redirect.patching import Patches, sweep
from pytest_azcred.redirect.routes import UNREACHABLE, Route
from pytest_azcred.redirect.routing import Routing
from pytest_azcred.unspent import describe
from pytest_azcred.variables import VariableSetter

if TYPE_CHECKING:
    from azcred_emulators.environments.active import Setup
    from pytest_azcred.browser import FakeBrowser


class IsolatedProcess:
    """This process and the emulators that it is led to, for the time of one test.

    `visited` are the names of the environments that the app has been in. Each of `observers` makes a context manager
    around every isolation of the process.
    """

    observers: ClassVar[list[Callable[["IsolatedProcess"], AbstractContextManager[object]]]] = []

    def __init__(self, emulators: Emulators, variables: VariableSetter) -> None:
        self.emulators = emulators
        self.clock = Clock(emulators.active.rotate_files)
        self.visited: set[str] = set()
        self._variables = variables
        self._before: dict[str, str | None] = {}  # variables that environments have changed
        self._setups: dict[Place, Sequence[Setup]] = {}  # of the places that the app is in, the last one last
        self._default_place: Place | None = None  # where the app is until the test names an environment
        # An agent that this machine really has must not be seen.
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
    def routes(self) -> Sequence[Route]:
        """Where connections of the app go."""
        return self._routing.routes

    @property
    def place(self) -> Place | None:
        """The place that was entered last, None if there is none."""
        return next(reversed(self._setups), None)

    @cached_property
    def browser(self) -> "FakeBrowser":
        """The browser that `webbrowser` opens from the first use of this property to the end."""
        from pytest_azcred.browser import install_browser

        return install_browser(self.emulators.directory, self._patches)

    def enter(self, environments: Sequence[Environment]) -> Place:
        """Put the app into environments beside those that it is in; the last of them is the place's own."""
        if self._default_place is not None:
            self.visited.discard(self._default_place.environment.name)
            self.leave(self._default_place)
        self.visited.update(environment.name for environment in environments)
        setups = [self.emulators.active.enter(environment) for environment in environments]
        for setup in setups:
            for name, value in setup.variables.items():
                self._before.setdefault(name, os.environ.get(name))
                self.set_variables({name: value})
            for (host, port), to in setup.routes.items():
                self._routing.add(Route(host, port, to))
            if setup.environment.browser:
                _ = self.browser
        place = Place(environments[-1], self.emulators, browser=lambda: self.browser, leave=self.leave)
        self._setups[place] = setups
        self._redirect()
        return place

    def start_in(self, environment: Environment) -> None:
        """Put the app into an environment until the test names another."""
        self._default_place = self.enter([environment])

    def leave(self, place: Place) -> None:
        """Take the app out of a place; what other places set up stays, and so does what the test has changed since."""
        if place not in self._setups:
            return
        setups = self._setups.pop(place)
        if place is self._default_place:
            self._default_place = None
        remaining = [setup for others in reversed(self._setups.values()) for setup in reversed(others)]
        for setup in setups:
            self.emulators.active.leave(setup.environment)
            for name, value in setup.variables.items():
                if os.environ.get(name) == value:
                    values = (other.variables[name] for other in remaining if name in other.variables)
                    self.set_variables({name: next(values, self._before[name])})
            for address in setup.routes:
                if not any(address in other.routes for other in remaining):
                    self._routing.add(Route(*address, UNREACHABLE))
        self._redirect()

    def unspent_faults(self) -> str:
        """Return a report of the faults that no request of the test has met, an empty one if there are none."""
        journal = self.emulators.journal
        return "\n".join(
            describe(name, faults, journal.requests(emulator=name))
            for name, faults in self.emulators.unspent_faults().items()
        )

    @contextmanager
    def isolated(self) -> Iterator["IsolatedProcess"]:
        """Isolate the process and redirect its connections; on leaving, everything is as it was."""
        with ExitStack() as observation:
            for observer in self.observers:
                observation.enter_context(observer(self))
            yield from self._isolated()

    def _isolated(self) -> Iterator["IsolatedProcess"]:
        sweep()
        emulators = self.emulators
        isolated = isolation(os.environ, emulators.folder)
        self.set_variables({**isolated, **children(os.environ, emulators.folder)})
        self._routing.on_connect(emulators.connect)
        self._routing.activate()
        self._redirect()
        emulators.on_new_host = lambda host: self.add_route(Route(host, 443, emulators.https.address))
        try:
            yield self
        finally:
            emulators.on_new_host = None
            self.clock.stop()
            self._patches.undo()
            self._folders.redirect({})
            self._routing.deactivate()
            emulators.reset()
            shutil.rmtree(str(isolated["HOME"]), ignore_errors=True)

    def add_route(self, route: Route) -> None:
        """Lead connections to a host and port elsewhere on this machine."""
        self._routing.add(route)
        self._redirect()

    def set_variables(self, variables: Mapping[str, str | None]) -> None:
        """Set environment variables, and remove those whose value is None, until the end."""
        for name, value in variables.items():
            if value is None:
                self._variables.delenv(name, raising=False)
            else:
                self._variables.setenv(name, value)

    def _redirect(self) -> None:
        """Let this process and its children go where the environments' routes and folders lead."""
        table = dict(self._hidden)
        for setups in self._setups.values():
            for setup in setups:
                table |= {folder: str(stand_in) for folder, stand_in in setup.folders.items()}
        self._folders.redirect(table)
        self._routing.save(self.emulators.folder / "routing.json", table)
