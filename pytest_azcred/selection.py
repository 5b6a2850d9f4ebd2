"""Which environments a test is for, and which tests a run in one environment leaves out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from azcred_emulators.environments import ENVIRONMENTS, Environment, select

if TYPE_CHECKING:
    from pytest_azcred.context import environment

PARAMETER = "_azcred_place"  # the fixture whose parameter is the environment of a marked test

_BY_FIXTURE = {fixture: environment.name for environment in ENVIRONMENTS.values() for fixture in environment.fixtures}


def marked(item: pytest.Item) -> Sequence[str]:
    """Return the names of the environments that a test is marked with, the nearest marker's that names any.

    Raises UsageError for a marker that says nothing, and for an unknown name with the nearest known one.
    """
    markers = list(item.iter_markers("azcred"))
    for marker in markers:
        unknown = set(marker.kwargs) - {"strict"}
        if unknown or not (marker.args or marker.kwargs) or not isinstance(marker.kwargs.get("strict", True), bool):
            raise pytest.UsageError(
                f"{item.nodeid}: the marker azcred takes names of environments and strict=True or False, "
                'as in @pytest.mark.azcred("kubernetes", "app-service")'
            )
    naming = next((marker for marker in markers if marker.args), None)
    if naming is None:
        return []
    try:
        return [environment.name for environment in select(*naming.args)]
    except LookupError as error:
        raise pytest.UsageError(f"{item.nodeid}: {error.args[0]}") from None


def is_strict(item: pytest.Item, default: bool) -> bool:
    """Tell whether a test fails whose app asks for no token in an environment that the test names.

    The nearest marker that says so decides, else the default.
    """
    values = (marker.kwargs["strict"] for marker in item.iter_markers("azcred") if "strict" in marker.kwargs)
    return bool(next(values, default))


def decorator_of(item: pytest.Item) -> environment | None:
    """Return the `pytest_azcred.environment` of the nearest plain class around a test that has one, None without."""
    context = sys.modules.get("pytest_azcred.context")
    if context is None:  # not imported, so nothing is decorated
        return None
    classes = (node.obj for node in reversed(item.listchain()) if isinstance(node, pytest.Class))
    decorators = (getattr(each, context.CLASS_ENVIRONMENT, None) for each in classes)
    return next((decorator for decorator in decorators if decorator is not None), None)


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
