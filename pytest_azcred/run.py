"""The run that this process is in: its emulators, and its scopes, one within the other."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

from pytest_azcred.redirect.refusals import Refusals
from pytest_azcred.settings import IsolationSettings

if TYPE_CHECKING:
    from azcred_emulators.emulators import Emulators
    from pytest_azcred.azcred import Azcred
    from pytest_azcred.child_proxy import ChildProxy
    from pytest_azcred.isolated_process import IsolatedProcess
    from pytest_azcred.scope import PytestScope, Scope

_WIDTHS = ("function", "class", "module", "package", "session")  # the narrowest first
_runs: list[Run] = []  # the last one is the present one: a test may run pytest within itself


def _local_emulators() -> Emulators:
    from azcred_emulators.emulators import Emulators

    return Emulators()


class Run:
    """Emulators that are started when a scope first needs them, and the stack of scopes.

    `settings` say how the process is isolated. Each of `observers` is called with every scope that ends, before it is
    undone. `lasts` tells how long a scope lasts that begins now, as one of pytest's scopes.
    """

    def __init__(
        self,
        emulators: Callable[[], AbstractContextManager[Emulators]] = _local_emulators,
        settings: IsolationSettings | None = None,
    ) -> None:
        self._settings = settings or IsolationSettings()
        self._make_emulators = emulators
        self._emulators: Emulators | None = None
        self._stack = ExitStack()
        self._scopes: list[Scope] = []
        self._refusals: Refusals | None = None
        self._proxy: ChildProxy | None = None
        self.observers: list[Callable[[Scope], object]] = []
        self.lasts: PytestScope = "function"

    @property
    def emulators(self) -> Emulators:
        """The emulators, which serve until the run stops."""
        if self._emulators is None:
            # First what will be needed next: pytest parses it, and the emulators load on a thread that parses, too,
            # which confuses Python 3.11.0-3.11.7 (python/cpython#106905).
            import pytest_azcred.azcred
            import pytest_azcred.child_proxy  # noqa: F401

            self._emulators = self._stack.enter_context(self._make_emulators())
        return self._emulators

    @property
    def refused(self) -> Sequence[str]:
        """The hosts to which the processes of the run were refused a connection, as often as they were."""
        return self._refusals.hosts if self._refusals else ()

    @property
    def scopes(self) -> Sequence[Scope]:
        """The scopes that are there, the outermost first."""
        return self._scopes

    def _isolated_process(self) -> IsolatedProcess:
        from pytest_azcred.child_proxy import ChildProxy
        from pytest_azcred.isolated_process import IsolatedProcess

        emulators = self.emulators
        if self._proxy is None:
            self._proxy = ChildProxy()
            self._stack.callback(self._proxy.stop)
            self._proxy.start()
        if self._refusals is None:
            self._refusals = Refusals(emulators.folder)
        return IsolatedProcess(emulators, self._settings, self._refusals, self._proxy)

    def begin(self, name: str) -> Scope:
        """Begin a scope inside those that are there.

        Raises ScopeOrderError if one of them ends before it.
        """
        from pytest_azcred.scope import Scope, ScopeOrderError

        narrower = [scope for scope in self._scopes if _WIDTHS.index(scope.lasts) < _WIDTHS.index(self.lasts)]
        if narrower:
            raise ScopeOrderError(
                f"azcred: the scope of {name} is wider than that of {narrower[0].name}, which has begun already and "
                "ends first: ask for the wider one earlier, as a parameter of the test and of the fixtures that have "
                "the narrower one, or in an autouse fixture"
            )
        outer = self._scopes[-1] if self._scopes else None
        process = outer.process if outer else self._isolated_process()
        scope = Scope(process, outer, name, self.lasts)
        scope.start()
        self._scopes.append(scope)
        return scope

    def end(self, scope: Scope) -> None:
        """End a scope.

        Raises ScopeOrderError if scopes that began inside it are still there; they end, too.
        """
        from pytest_azcred.scope import ScopeOrderError

        if scope not in self._scopes:
            return  # it has ended with an outer one, whose end has said so
        inner = self._scopes[self._scopes.index(scope) + 1 :]
        for each in reversed([scope, *inner]):
            for observer in self.observers:
                observer(each)
            self._scopes.pop()
            each.end()
        if inner:
            raise ScopeOrderError(
                f"azcred: the scope of {scope.name} ended before that of {inner[0].name}, which had begun inside it: "
                "end them in the reverse order, as nested `with` statements do"
            )

    @contextmanager
    def scope(self, name: str) -> Iterator[Azcred]:
        """Isolate this process for the time of a `with`, inside the scopes that are there."""
        from pytest_azcred.azcred import Azcred

        scope = self.begin(name)
        try:
            yield Azcred(scope)
            scope.emulators.crashes.check()
        finally:
            self.end(scope)

    def stop(self) -> None:
        """End all scopes and stop the emulators."""
        if self._scopes:
            self.end(self._scopes[0])
        self._emulators = self._refusals = self._proxy = None
        self._stack.close()


@contextmanager
def isolated(emulators: Emulators) -> Iterator[Azcred]:
    """Isolate this process for the time of a `with`, led to these emulators and to no others."""
    run = Run(lambda: nullcontext(emulators))
    try:
        with run.scope("a `with` statement") as azcred:
            yield azcred
    finally:
        run.stop()


def present_run() -> Run:
    """Return the run that this process is in; a process without pytest has one of its own until it ends."""
    if not _runs:
        atexit.register(begin_run(Run()).stop)
    return _runs[-1]


def begin_run(run: Run) -> Run:
    """Make this the present run, until `end_run`."""
    _runs.append(run)
    return run


def end_run(run: Run) -> None:
    """Stop a run; the one before it is the present one again."""
    _runs.remove(run)
    run.stop()
