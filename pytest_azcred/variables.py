"""Environment variables that are changed for a while, whatever others do with them meanwhile."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class _Restored(NamedTuple):
    """A variable that was given its earlier value back."""

    name: str
    ours: str | None
    before: str | None


_restored: list[_Restored] = []  # since the last sweep


def sweep_variables(lasting: Mapping[str, str]) -> None:
    """Restore once more what someone has set to our value after it was restored, or has removed as we had.

    pytest's `monkeypatch` does, if a test has changed the variable by it and it is torn down after our fixtures. A
    variable that is not set comes back only with the value that it has in `lasting`, the variables before the test:
    one that the test's own fixtures had set has been removed by them.
    """
    for name, ours, before in _restored:
        if before == ours or os.environ.get(name) != ours:
            continue
        if ours is not None or lasting.get(name) == before:
            set_variable(name, before)
    _restored.clear()


class EnvironmentVariables:
    """Changes variables of this process and remembers what they were."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}
        self._ours: dict[str, str | None] = {}

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""
        self.update({name: value})

    def delenv(self, name: str) -> None:
        """Remove a variable, if it is set."""
        self.update({name: None})

    def update(self, changes: Mapping[str, str | None]) -> None:
        """Set variables, and remove those whose value is None."""
        for name, value in changes.items():
            self._before.setdefault(name, os.environ.get(name))
            self._ours[name] = value
            set_variable(name, value)

    def restore(self) -> None:
        """Give every changed variable its earlier value, or none."""
        for name, value in self._before.items():
            _restored.append(_Restored(name, self._ours[name], value))
            set_variable(name, value)
        self._before.clear()
        self._ours.clear()

    def changes(self) -> Mapping[str, tuple[str | None, str | None]]:
        """Return what the changed variables were before, and what they were last set to."""
        return {name: (before, self._ours[name]) for name, before in self._before.items()}


def held(changes: Sequence[EnvironmentVariables], call: Callable[[], object]) -> None:
    """Call a function that restores variables, without effect on those that were changed, the outermost change first.

    What it restores one of them to is what that returns to later.
    """
    ours = {name: value for each in changes for name, value in each._ours.items()}
    present = {name: os.environ.get(name) for name in ours}
    call()
    for name, value in ours.items():
        found = os.environ.get(name)
        if found in (present[name], value):
            continue
        owners = [each for each in changes if name in each._ours]
        older = [number for number, each in enumerate(owners[:-1], start=1) if each._ours[name] == found]
        owners[older[-1] if older else 0]._before[name] = found
        set_variable(name, value)


def set_variable(name: str, value: str | None) -> None:
    """Set a variable of this process, or remove it if the value is None."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
