"""Environments for code that runs without pytest: unittest, Django, or a script."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from azcred_emulators.emulators import Emulators
from pytest_azcred.session import Session
from pytest_azcred.variables import EnvironmentVariables

_sessions: list[Session] = []  # of the process, whose connections can only be redirected once


@contextmanager
def environment(*names: str) -> Iterator[Session]:
    """Put this process into an environment, such as "kubernetes", and isolate it, for the time of a `with`.

    ::

        with pytest_azcred.environment("kubernetes") as azcred:
            shop.read_secret()
            azcred.journal.assert_tokens(provider="workload-identity", times=1)

    It decorates functions as well. Within another one it adds to the places of that one, whose session it hands out.
    Without a name there is no identity to be found. Raises LookupError for a name that is not in the table.
    """
    if _sessions:
        yield from _within(_sessions[-1], names)
        return
    variables = EnvironmentVariables()
    try:
        with Session(_emulators(), variables).active() as session:
            _sessions.append(session)
            try:
                yield from _within(session, names)
            finally:
                _sessions.remove(session)
    finally:
        variables.restore()


def _within(session: Session, names: tuple[str, ...]) -> Iterator[Session]:
    if not names:
        yield session
        return
    with session.environment(*names):
        yield session


@cache
def _emulators() -> Emulators:
    """Start the emulators that serve the process until it ends."""
    emulators = Emulators()
    emulators.start()
    atexit.register(emulators.stop)
    return emulators
