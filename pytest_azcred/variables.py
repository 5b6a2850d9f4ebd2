"""Environment variables that are changed for a while, where pytest's `monkeypatch` is not at hand."""

import os


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

    def restore(self) -> None:
        """Give every changed variable its earlier value, or none."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()
