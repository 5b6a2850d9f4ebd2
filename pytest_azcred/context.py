"""Environments for code that runs without pytest: unittest, Django, or a script."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred, isolated
from pytest_azcred.variables import EnvironmentVariables

_active: list[Azcred] = []  # at most one, since the connections of a process can only be redirected once


@contextmanager
def environment(*names: str) -> Iterator[Azcred]:
    """Put this process into an environment, such as "kubernetes", and isolate it, for the time of a `with`.

    ::

        with pytest_azcred.environment("kubernetes") as azcred:
            shop.read_secret()
            azcred.journal.assert_tokens(provider="workload-identity", times=1)

    It decorates functions as well. Within another one it adds to the places of that one, and hands out the same
    object. Without a name there is no identity. Raises LookupError for a name that is not in the table.
    """
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
