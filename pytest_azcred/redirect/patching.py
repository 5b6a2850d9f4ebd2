"""Replaces attributes and puts them back, now or as soon as the module that holds them is imported."""

import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

_ABSENT = object()
_Patch = Callable[[ModuleType], None]


class _Replaced(NamedTuple):
    """An attribute that was given another value, which `make` has made of the one before, if it is given."""

    owner: Any
    name: str
    value: object
    old: object  # _ABSENT for an inherited one
    original: object
    make: Callable[[Any], object] | None

    def put_back(self) -> None:
        if self.old is _ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.old)


_put_back: list[_Replaced] = []  # since the last sweep
_held: "list[Patches]" = []  # those that isolate this process now, the first to do so first


def sweep() -> None:
    """Put back once more what someone has restored to a value of ours since it was put back.

    Code that replaces an attribute that `Patches` has replaced, and restores it later than `Patches` does, brings
    our value back for good: pytest's `monkeypatch` does, which is torn down after the fixtures that use it.
    """
    for replaced in _put_back:
        if vars(replaced.owner).get(replaced.name) is replaced.value:
            replaced.put_back()
    _put_back.clear()


def is_isolated() -> bool:
    """Tell whether patches isolate this process, as those do that a child process takes over."""
    return bool(_held)


def hold() -> None:
    """Replace again what someone has restored or replaced meanwhile while patches isolate this process.

    pytest-socket restores `socket.socket.connect` after every test to what it was when the plugin was loaded. Of the
    redirections that replace the same attribute, the last one is looked after, for it has the others below it.
    """
    known: dict[tuple[int, str], list[object]] = {}  # the values that earlier redirections have found and made
    last: dict[tuple[int, str], Patches] = {}
    for patches in _held:
        for key, history in patches._replaced.items():
            known.setdefault(key, []).extend(each for one in history for each in (one.value, one.old, one.original))
            last[key] = patches
    for key, patches in last.items():
        patches._hold(key, known[key])


class Patches:
    """A stack of replaced attributes; with `isolating`, of those that `hold` looks after."""

    def __init__(self, *, isolating: bool = False) -> None:
        self._undo: list[Callable[[], object]] = []
        self._isolating = isolating
        self._replaced: dict[tuple[int, str], list[_Replaced]] = {}

    def replace(self, owner: Any, name: str, value: object, make: Callable[[Any], object] | None = None) -> None:
        """Set an attribute of a module or class; an inherited one is shadowed and later uncovered.

        `make` is what has made the value of the present one.
        """
        replaced = _Replaced(owner, name, value, vars(owner).get(name, _ABSENT), getattr(owner, name, _ABSENT), make)
        setattr(owner, name, value)
        if self._isolating:
            self._replaced.setdefault((id(owner), name), []).append(replaced)
            if self not in _held:
                _held.append(self)
        self._undo.append(replaced.put_back)
        self._undo.append(partial(_put_back.append, replaced))

    def wrap(self, owner: Any, name: str, make: Callable[[Any], object]) -> None:
        """Replace an attribute by what `make` makes of it; one that this platform or version lacks is left out."""
        if hasattr(owner, name):
            self.replace(owner, name, make(getattr(owner, name)), make)

    def _hold(self, key: tuple[int, str], known: Collection[object]) -> None:
        """Replace an attribute again if its value is not ours; one that nobody knows, someone has put there since."""
        history = self._replaced[key]
        first = history[0]
        present = vars(first.owner).get(first.name, _ABSENT)
        if any(present is each.value for each in history):
            return
        if first.make is None or present in known:
            found = (each for each in history if present in (each.old, each.original))
            setattr(first.owner, first.name, next(found, first).value)
        else:
            self.wrap(first.owner, first.name, first.make)
            del history[1:-1]

    def after_import(self, module: str, patch: _Patch) -> None:
        """Call `patch` with the module: at once if it is loaded, else when it will be."""
        if module in sys.modules:
            patch(sys.modules[module])
            return
        finder = _Finder(module, patch)
        # A new list each time: a thread that imports goes through the old one, and would skip what moves up in it.
        sys.meta_path = [finder, *sys.meta_path]
        self._undo.append(partial(_forget, finder))

    def afterwards(self, call: Callable[[], object]) -> None:
        """Call a function when everything that is replaced from now on has been put back."""
        self._undo.append(call)

    def undo(self) -> None:
        """Put everything back, the last replaced first."""
        if self in _held:
            _held.remove(self)
        self._replaced.clear()
        while self._undo:
            self._undo.pop()()


def _forget(finder: "_Finder") -> None:
    finder.is_over = True
    sys.meta_path = [other for other in sys.meta_path if other is not finder]


class _Finder:
    """Finds one module as Python would, and has a function called when it has been loaded.

    The abstract classes of finders and loaders are not named: importing them would take child processes 12 ms.
    """

    def __init__(self, module: str, patch: _Patch) -> None:
        self._module = module
        self._patch = patch
        self.is_over = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        # Only those behind this one: two redirections in one process may wait for the same module, and would ask each
        # other without end.
        finders = list(sys.meta_path)
        position = next((index for index, finder in enumerate(finders) if finder is self), -1)
        others = finders[position + 1 :]
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.loaded)  # type: ignore[assignment]
        return spec

    def loaded(self, module: ModuleType) -> None:
        """Have the function called, unless its redirection has ended while the module was loaded."""
        if not self.is_over:
            self._patch(module)


class _Loader:
    """Loads a module by its own loader, which it leaves in its place, and then calls a function."""

    def __init__(self, loader: Any, patch: _Patch) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._patch(module)
