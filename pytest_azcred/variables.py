"""Environment variables that are changed for a while, where pytest's `monkeypatch` is not at hand."""

import os
from collections.abc import Mapping
from typing import Protocol


class VariableSetter(Protocol):
    """Changes the process's environment variables and later restores them, as pytest's `monkeypatch` does."""

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""

    def delenv(self, name: str, raising: bool = True) -> None:
        """Remove a variable."""


class EnvironmentVariables:
    """Changes variables of this process and remembers what they were."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def delenv(self, name: str, raising: bool = True) -> None:
        """Remove a variable; raises KeyError if it is not set, unless `raising` is False."""
        if name not in os.environ and not raising:
            return
        self._before.setdefault(name, os.environ.get(name))
        del os.environ[name]

    def update(self, changes: Mapping[str, str | None]) -> None:
        """Set variables, and remove those whose value is None."""
        for name, value in changes.items():
            if value is None:
                self.delenv(name, raising=False)
            else:
                self.setenv(name, value)

    def restore(self) -> None:
        """Give every changed variable its earlier value, or none."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()
