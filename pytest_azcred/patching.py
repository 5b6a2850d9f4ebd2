"""Replaces attributes and puts them back, now or as soon as the module that holds them is imported."""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

_ABSENT = object()


class Patches:
    """A stack of replaced attributes."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def replace(self, owner: Any, name: str, value: object) -> None:
        """Set an attribute of a module or class; an inherited one is shadowed and later uncovered."""
        old = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        self._undo.append(lambda: delattr(owner, name) if old is _ABSENT else setattr(owner, name, old))

    def after_import(self, module: str, patch: Callable[[ModuleType], None]) -> None:
        """Call `patch` with the module: at once if it is loaded, else when it will be."""
        if module in sys.modules:
            patch(sys.modules[module])
            return
        hook = _ImportHook(module, patch)
        sys.meta_path.insert(0, hook)
        self._undo.append(lambda: sys.meta_path.remove(hook))

    def undo(self) -> None:
        """Put everything back, the last replaced first."""
        while self._undo:
            self._undo.pop()()


class _ImportHook(importlib.abc.MetaPathFinder):
    """Finds one module as Python would and calls a function when it has been executed."""

    def __init__(self, module: str, patch: Callable[[ModuleType], None]) -> None:
        self._module = module
        self._patch = patch

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        loader, patch = spec.loader, self._patch
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            patch(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]  # this instance loads this module only
        return spec
