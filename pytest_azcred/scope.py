"""Scopes: what a test, its class, its module or the whole run has of the emulators and of this process.

They stack. An inner one has all that the outer ones have set up, and when it ends everything is as it was before it.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from azcred_emulators.emulation.journal import Journal
from azcred_emulators.environments import Environment
from azcred_emulators.environments.isolation import new_home
from pytest_azcred.clock import Clock
from pytest_azcred.idle import is_idle
from pytest_azcred.isolated_process import IsolatedProcess
from pytest_azcred.place import Place
from pytest_azcred.redirect.patching import Patches
from pytest_azcred.redirect.routes import UNREACHABLE, Route
from pytest_azcred.unspent import describe
from pytest_azcred.variables import EnvironmentVariables

if TYPE_CHECKING:
    from azcred_emulators.emulation.journal_entry import JournalEntry
    from azcred_emulators.emulators import Emulators
    from azcred_emulators.environments.active import Setup
    from pytest_azcred.browser import FakeBrowser


class ScopeOrderError(RuntimeError):
    """Scopes are not nested."""


PytestScope = Literal["function", "class", "module", "package", "session"]


class Scope:
    """One scope, from `start` to `end`; the outermost one isolates the process.

    `name` is who it belongs to, such as the id of a test; `lasts` how long it lasts, as one of pytest's scopes.
    `visited` are the names of the environments that the app has been in.
    """

    def __init__(
        self, process: IsolatedProcess, outer: "Scope | None", name: str, lasts: PytestScope = "function"
    ) -> None:
        self.name = name
        self.lasts = lasts
        self.process = process
        self.outer = outer
        self.inner: Scope | None = None
        self.emulators: Emulators = process.emulators
        self.clock: Clock = Clock(self.emulators.active.rotate_files)
        self.visited: set[str] = set()
        self._inner: list[range] = []  # the numbers of the requests that ended scopes inside this one have recorded
        self._undo = ExitStack()
        self._patches = Patches()
        self._variables = EnvironmentVariables()
        self._before: dict[str, str | None] = {}  # variables that environments have changed
        self._setups: dict[Place, Sequence[Setup]] = {}  # of the places that the app is in, the last one last
        self._entered: dict[Place, int] = {}  # how many requests there had been
        self._idle: list[str] = []  # the environments of places that were left before the app had asked for a token
        self._reveal: Callable[[], object] | None = None  # brings the places of outer scopes back

    def start(self) -> None:
        """Begin: from now on everything that is changed belongs to this scope."""
        with ExitStack() as undo:
            self._start(undo)
            self._undo = undo.pop_all()

    def _start(self, undo: ExitStack) -> None:
        process, emulators = self.process, self.emulators
        if self.outer is None:
            process.start()
            undo.callback(process.stop)
            undo.callback(self._variables.restore)
            undo.callback(self.clock.stop)
            undo.callback(emulators.reset)
        else:
            self.outer.inner = self
            undo.callback(setattr, self.outer, "inner", None)
            undo.callback(self._redirect_for, self.outer)
            undo.callback(setattr, process, "routes", process.routes)
            undo.callback(self._variables.restore)
            undo.callback(self.clock.stop)
            undo.callback(emulators.add_layer())
            self.set_variables(new_home(os.environ, emulators.folder))
        undo.callback(shutil.rmtree, os.path.dirname(os.environ["HOME"]), ignore_errors=True)
        undo.callback(self._patches.undo)
        self.journal: Journal = self.new_journal()
        self._first = emulators.recorder.total

    def new_journal(self) -> Journal:
        """Return a journal of what is asked from now on, in this scope and in those inside it."""
        first = len(self.process.refusals.hosts)
        recorder, vocabulary = self.emulators.recorder, self.emulators.vocabulary
        return Journal(
            recorder, vocabulary, since=recorder.position, refused=lambda: self.process.refusals.hosts[first:]
        )

    def end(self) -> None:
        """Undo everything that was changed since the start."""
        if self.outer is not None:
            self.outer._inner.append(range(self._first + 1, self.emulators.recorder.total + 1))
        with self._undo:
            for place in reversed(list(self._setups)):
                self._leave(place)

    @property
    def belongs_to_test(self) -> bool:
        """Whether it is a test's own, and not that of its class, module or session."""
        return self.lasts == "function"

    @property
    def place(self) -> Place | None:
        """The place that was entered last, in this scope or else in the next outer one; None if there is none."""
        return next(reversed(self._setups), None) or self._inherited_place

    @cached_property
    def _inherited_place(self) -> Place | None:
        """The place of the next outer scope, with the requests of this one; it is not for this scope to leave it."""
        outer = self.outer.place if self.outer else None
        return self._place_in(outer.environment, leave=lambda _: None) if outer else None

    def _place_in(self, environment: Environment, leave: Callable[[Place], None]) -> Place:
        return Place(environment, self.emulators, self.journal, browser=lambda: self.browser, leave=leave)

    @cached_property
    def browser(self) -> "FakeBrowser":
        """The browser that `webbrowser` opens from the first use of this property to the end."""
        from pytest_azcred.browser import install_browser

        return install_browser(self.emulators.directory, self._patches)

    def entries(self) -> "Sequence[JournalEntry]":
        """Return the requests of this scope, without those of scopes inside it; what was cleared is among them."""
        entries = self.emulators.recorder.entries(self._first)
        return [entry for entry in entries if not any(entry.number in numbers for numbers in self._inner)]

    def enter(self, environments: Sequence[Environment], variables: Mapping[str, str | None]) -> Place:
        """Put the app into environments beside those that it is in; the last of them is the place's own.

        `variables` are set beside theirs, or removed where the value is None. Places of outer scopes are hidden.
        Raises ScopeOrderError if another scope has begun inside this one, whose end would undo a part of it.
        """
        if self.inner is not None:
            names = ", ".join(environment.name for environment in environments)
            raise ScopeOrderError(
                f"azcred: the scope of {self.name} cannot put the app into {names} now, because that of "
                f"{self.inner.name} has begun inside it and ends first: put the app there in the inner one, or before "
                "the inner one begins"
            )
        self.visited.update(environment.name for environment in environments)
        if not self._setups:
            self._hide_outer()
        setups = [self.emulators.active.enter(environment) for environment in environments]
        setups[-1] = replace(setups[-1], variables={**setups[-1].variables, **variables})
        for setup in setups:
            for name, value in setup.variables.items():
                self._before.setdefault(name, os.environ.get(name))
                self.set_variables({name: value})
            self.process.add_routes(Route(host, port, to) for (host, port), to in setup.routes.items())
            if setup.environment.browser:
                _ = self.browser
        place = self._place_in(environments[-1], leave=self.leave)
        self._setups[place] = setups
        self._entered[place] = self.emulators.recorder.total
        self._redirect_for(self)
        return place

    def leave(self, place: Place) -> None:
        """Take the app out of a place; what other places set up stays, and so does what the test has changed since."""
        if place in self._setups:
            self._leave(place)
            self._redirect_for(self)

    def _leave(self, place: Place) -> None:
        self._idle += self._idle_in(place)
        setups = self._setups.pop(place)
        remaining = list(reversed(self._own_setups))
        everywhere = [*remaining, *(self.outer.all_setups if self.outer else ())]
        for setup in setups:
            self.emulators.active.leave(setup.environment)
            for name, value in setup.variables.items():
                if os.environ.get(name) == value:
                    values = (other.variables[name] for other in remaining if name in other.variables)
                    self.set_variables({name: next(values, self._before[name])})
            unused = [address for address in setup.routes if not any(address in other.routes for other in everywhere)]
            self.process.add_routes(Route(*address, UNREACHABLE) for address in unused)
        if self._reveal and not self._setups:
            self._reveal()
            self._reveal = None

    def _hide_outer(self) -> None:
        """Hide what leads an app to the places of outer scopes: variables, tools, and files at fixed places."""
        owner = self.outer
        while owner is not None and not owner._setups:
            owner = owner.outer
        if owner is None:
            return
        hidden: dict[str, tuple[str | None, str | None]] = {}
        for setup in owner.visible_setups:
            for name, value in setup.variables.items():
                if os.environ.get(name) == value:
                    hidden[name] = value, owner._before[name]
        self.set_variables({name: before for name, (_, before) in hidden.items()})
        reveal = self.emulators.active.hide()

        def restore() -> None:
            reveal()
            unchanged = {name: value for name, (value, before) in hidden.items() if os.environ.get(name) == before}
            self.set_variables(unchanged)

        self._reveal = restore

    @property
    def visible_setups(self) -> "Sequence[Setup]":
        """What the app is in now: the environments of this scope, else those of the next outer one that has any."""
        if self._setups or self.outer is None:
            return self._own_setups
        return self.outer.visible_setups

    @property
    def all_setups(self) -> "Sequence[Setup]":
        """The environments of this scope and of all outer ones."""
        return [*self._own_setups, *(self.outer.all_setups if self.outer else ())]

    @property
    def _own_setups(self) -> "Sequence[Setup]":
        return [setup for setups in self._setups.values() for setup in setups]

    @property
    def idle(self) -> Sequence[str]:
        """The environments that the app was put into in this scope, and asked for no token there."""
        return [*self._idle, *(name for place in self._setups for name in self._idle_in(place))]

    def _idle_in(self, place: Place) -> Sequence[str]:
        environments = [setup.environment for setup in self._setups[place]]
        others = [setup.environment for setup in self.outer.all_setups] if self.outer else []
        entries = self.emulators.recorder.entries(self._entered[place])
        idle = is_idle(environments, others, entries, self.emulators.directory)
        return [environment.name for environment in environments] if idle else []

    def unspent_faults(self) -> str:
        """Return a report of the scope's faults that no request has met, an empty one if there are none."""
        return "\n".join(
            describe(name, faults, self.journal.requests(emulator=name))
            for name, faults in self.emulators.unspent_faults().items()
        )

    def add_routes(self, routes: Iterable[Route]) -> None:
        """Lead connections to some hosts and ports elsewhere on this machine, until the end."""
        self.process.add_routes(routes)
        self.process.redirect()

    def set_variables(self, variables: Mapping[str, str | None]) -> None:
        """Set environment variables, and remove those whose value is None, until the end."""
        self._variables.update(variables)

    @property
    def isolated_variables(self) -> Mapping[str, tuple[str | None, str | None]]:
        """What the variables were that the start of this scope has changed, and what they are since."""
        return {**({} if self.outer else self.process.variables.changes()), **self._variables.changes()}

    @property
    def variable_changes(self) -> Sequence[EnvironmentVariables]:
        """What the isolation, the outer scopes and this one have changed of the variables, in this order."""
        outer = self.outer.variable_changes if self.outer else [self.process.variables]
        return [*outer, self._variables]

    def install(self, *names: str) -> None:
        """Put fake executables on PATH until the end, whatever places come and go."""
        variables = self.emulators.executables.variables(*names)
        self.emulators.active.installed.update(names)
        self._before |= {name: value for name, value in variables.items() if name in self._before}
        self.set_variables(variables)

    def _redirect_for(self, scope: "Scope") -> None:
        """Let this process and its children see the folders of a scope's environments."""
        folders: dict[str, str] = {}
        for setup in scope.visible_setups:
            folders |= {folder: str(stand_in) for folder, stand_in in setup.folders.items()}
        self.process.redirect(folders)
