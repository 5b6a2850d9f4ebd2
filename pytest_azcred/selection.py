"""Which environments a test is for, and which tests a run in one environment leaves out."""

from collections.abc import Sequence

import pytest

from azcred_emulators.environments import ENVIRONMENTS, Environment, select

PARAMETER = "_azcred_place"  # the fixture whose parameter is the environment of a marked test

_BY_FIXTURE = {fixture: environment.name for environment in ENVIRONMENTS.values() for fixture in environment.fixtures}


def marked(item: pytest.Item) -> Sequence[str]:
    """Return the names of the environments that a test is marked with, the nearest marker's.

    Raises UsageError for a marker without a name, and for an unknown name with the nearest known one.
    """
    marker = item.get_closest_marker("azcred")
    if marker is None:
        return []
    if not marker.args or marker.kwargs:
        raise pytest.UsageError(
            f"{item.nodeid}: the marker azcred takes names of environments, "
            'as in @pytest.mark.azcred("kubernetes", "app-service")'
        )
    try:
        return [environment.name for environment in select(*marker.args)]
    except LookupError as error:
        raise pytest.UsageError(f"{item.nodeid}: {error.args[0]}") from None


def named(item: pytest.Item) -> Sequence[str]:
    """Return the environments that a test names: those of its marker, else those of its fixtures.

    Of a function that runs once in each of its marker's, it is the one of this run.
    """
    callspec = getattr(item, "callspec", None)
    if callspec is not None and PARAMETER in callspec.params:
        return [callspec.params[PARAMETER]]
    fixtures = getattr(item, "fixturenames", ())
    return marked(item) or list(dict.fromkeys(_BY_FIXTURE[name] for name in fixtures if name in _BY_FIXTURE))


def deselect(config: pytest.Config, items: list[pytest.Item], environment: Environment) -> None:
    """Take the tests that name environments, but not this one, out of a run."""
    elsewhere = {item for item in items if (names := named(item)) and environment.name not in names}
    if elsewhere:
        config.hook.pytest_deselected(items=[item for item in items if item in elsewhere])
        items[:] = [item for item in items if item not in elsewhere]
