"""Environments for code that runs without pytest: unittest, Django, or a script."""

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from azcred_emulators.environments import find
from pytest_azcred.azcred import Azcred
from pytest_azcred.run import present_run

CLASS_ENVIRONMENT = "__azcred_environment__"  # the attribute of a plain test class that has been decorated
_CASE_ENVIRONMENT = "__azcred_case_environment__"  # that of a unittest.TestCase
_Target = TypeVar("_Target", bound=Callable[..., Any])


class environment:
    """Puts this process into an environment, such as "kubernetes", and isolates it, in a `with` or a decorator.

    ::

        with pytest_azcred.environment("kubernetes") as azcred:
            shop.read_secret()
            azcred.journal.assert_tokens(provider="workload-identity", times=1)

    `async with` does the same. As a decorator it takes functions, coroutine functions, and test classes: subclasses of
    `unittest.TestCase`, and plain classes that pytest runs. Each test of a class then runs in the environment,
    including its set-up and clean-up.

    Inside another environment or a fixture's scope it has everything that was set up there, and a journal of its own.
    It keeps the outer place unless it names another. At the end everything is as it was before. An environment that is
    created but neither entered nor used as a decorator causes a warning.

    :param names: the environments; without a name there is no identity.
    :param variables: variables to set in addition to those of the environments; None removes a variable.
    :raises LookupError: there is no such environment.
    :raises TypeError: it decorates something else, or has variables without a name.
    """

    def __init__(self, *names: str, variables: Mapping[str, str | None] | None = None) -> None:
        self._is_used = True  # until the names are checked: one that could not be made does not warn
        self._names = tuple(find(name).name for name in names)
        if variables and not names:
            raise TypeError("variables are those of an environment: name one")
        self._variables = dict(variables or {})
        self._entered: list[AbstractContextManager[Azcred]] = []
        self._is_used = False

    def __repr__(self) -> str:
        return f"pytest_azcred.environment({', '.join(map(repr, self._names))})"

    def __enter__(self) -> Azcred:
        self._is_used = True
        manager = _isolated_in(self._names, self._variables, repr(self))
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
        """Return the class, in whose attribute pytest or the method `run` finds this; a subclass may have its own."""
        if vars(target).keys() & {CLASS_ENVIRONMENT, _CASE_ENVIRONMENT}:
            raise TypeError(f"{target.__qualname__} is decorated twice: name all environments in one decorator")
        unittest = sys.modules.get("unittest.case")
        if unittest is not None and issubclass(target, unittest.TestCase):
            if not hasattr(target, _CASE_ENVIRONMENT):
                target.run = _run_inside(target.run)  # type: ignore[attr-defined]  # every test case has it
            setattr(target, _CASE_ENVIRONMENT, self)
        elif any(name.startswith("test") and callable(getattr(target, name)) for name in dir(target)):
            setattr(target, CLASS_ENVIRONMENT, self)
        else:
            raise TypeError(
                f"{target.__qualname__} is neither a unittest.TestCase nor a class with test methods; "
                f"write `with {self!r}:` where its code is called"
            )
        return target

    def enter(self, azcred: Azcred) -> None:
        """Put the app of a scope that is there into the environments, if any are named."""
        if self._names:
            azcred.environment(*self._names, variables=self._variables)

    def _decorated_function(self, target: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(target)
        def run(*arguments: Any, **keywords: Any) -> Any:
            with self._copy():
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
            with self._copy():
                return await target(*arguments, **keywords)

        return run

    def _copy(self) -> "environment":
        return environment(*self._names, variables=self._variables)

    def __del__(self) -> None:
        if not self._is_used:
            warnings.warn(
                f"{self!r} was neither entered nor used as a decorator; write `with` before it", RuntimeWarning, 2
            )


def _run_inside(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of a test case that goes through set-up, test and clean-up, in the environment of its class."""

    @wraps(run)
    def inside(case: Any, *arguments: Any, **keywords: Any) -> Any:
        with getattr(case, _CASE_ENVIRONMENT)._copy():
            return run(case, *arguments, **keywords)

    return inside


@contextmanager
def _isolated_in(names: tuple[str, ...], variables: Mapping[str, str | None], scope_name: str) -> Iterator[Azcred]:
    with present_run().scope(scope_name) as azcred:
        if names:
            azcred.environment(*names, variables=variables)
        yield azcred
