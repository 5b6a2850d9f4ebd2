"""Environments for code that runs without pytest: unittest, Django, or a script."""

import atexit
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, wraps
from typing import Any, TypeVar, cast

from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import find
from pytest_azcred.azcred import Azcred, isolated
from pytest_azcred.variables import EnvironmentVariables

_Target = TypeVar("_Target", bound=Callable[..., Any])

_active: list[Azcred] = []  # at most one, since the connections of a process can only be redirected once


class environment:
    """Puts this process into an environment, such as "kubernetes", and isolates it, for the time of a `with`.

    ::

        with pytest_azcred.environment("kubernetes") as azcred:
            shop.read_secret()
            azcred.journal.assert_tokens(provider="workload-identity", times=1)

    `async with` does the same. It decorates functions, coroutine functions, and subclasses of `unittest.TestCase`,
    each of whose tests then runs in the environment, its set-up and clean-up included. Within another one it adds to
    the places of that one, and hands out the same object. Without a name there is no identity.

    Raises LookupError for a name that is not in the table, and TypeError for what it cannot decorate. One that is
    neither entered nor decorates anything warns.
    """

    def __init__(self, *names: str) -> None:
        self._is_used = True  # until the names are checked: one that could not be made does not warn
        self._names = tuple(find(name).name for name in names)
        self._entered: list[AbstractContextManager[Azcred]] = []
        self._is_used = False

    def __repr__(self) -> str:
        return f"pytest_azcred.environment({', '.join(map(repr, self._names))})"

    def __enter__(self) -> Azcred:
        self._is_used = True
        manager = _isolated_in(self._names)
        azcred = manager.__enter__()
        self._entered.append(manager)
        return azcred

    def __exit__(self, *error: Any) -> bool | None:
        return self._entered.pop().__exit__(*error)

    async def __aenter__(self) -> Azcred:
        return self.__enter__()

    async def __aexit__(self, *error: Any) -> bool | None:
        return self.__exit__(*error)

    def __call__(self, target: _Target) -> _Target:
        """Decorate a function, a coroutine function or a test case."""
        self._is_used = True
        decorated: Any
        if isinstance(target, type):
            decorated = self._decorated_class(target)
        elif not inspect.isfunction(target):
            raise TypeError(f"{self!r} decorates a function or a test case, not {target!r}; put it below the others")
        elif inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
            raise TypeError(
                f"{target.__qualname__} is a generator, whose body runs when the environment has ended: "
                f"write `with {self!r}:` in its body"
            )
        elif inspect.iscoroutinefunction(target):
            decorated = self._decorated_coroutine(target)
        else:
            decorated = self._decorated_function(target)
        return cast("_Target", decorated)

    def _decorated_class(self, target: type) -> type:
        """Return the test case, whose method `run` goes through set-up, test and clean-up."""
        unittest = sys.modules.get("unittest.case")
        if unittest is None or not issubclass(target, unittest.TestCase):
            names = ", ".join(map(repr, self._names))
            raise TypeError(
                f"{target.__qualname__} is not a unittest.TestCase; mark a plain test class with "
                f"@pytest.mark.azcred({names}), or decorate its methods"
            )
        target.run = self._decorated_function(target.run)  # type: ignore[attr-defined]  # every test case has it
        return target

    def _decorated_function(self, target: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(target)
        def run(*arguments: Any, **keywords: Any) -> Any:
            with environment(*self._names):
                result = target(*arguments, **keywords)
            if inspect.iscoroutine(result):
                result.close()
                raise TypeError(
                    f"{target.__qualname__} returned a coroutine, whose body would run when the environment has "
                    f"ended: put {self!r} below the other decorators, on the coroutine function itself"
                )
            return result

        return run

    def _decorated_coroutine(self, target: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(target)
        async def run(*arguments: Any, **keywords: Any) -> Any:
            with environment(*self._names):
                return await target(*arguments, **keywords)

        return run

    def __del__(self) -> None:
        if not self._is_used:
            warnings.warn(
                f"{self!r} was neither entered nor used as a decorator; write `with` before it", RuntimeWarning, 2
            )


@contextmanager
def _isolated_in(names: tuple[str, ...]) -> Iterator[Azcred]:
    if _active:
        yield from _within(_active[-1], names)
        return
    variables = EnvironmentVariables()
    try:
        with isolated(_emulators(), variables) as azcred:
            _active.append(azcred)
            try:
                yield from _within(azcred, names)
            finally:
                _active.remove(azcred)
    finally:
        variables.restore()


def _within(azcred: Azcred, names: tuple[str, ...]) -> Iterator[Azcred]:
    if not names:
        yield azcred
        return
    with azcred.environment(*names):
        yield azcred


@cache
def _emulators() -> Emulators:
    """Start the emulators that serve the process until it ends."""
    emulators = Emulators()
    emulators.start()
    atexit.register(emulators.stop)
    return emulators
