"""When modules are imported: a package's public names when they are used, the emulators' while others go on."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Loaded = TypeVar("Loaded")


def public_names(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the functions `__getattr__` and `__dir__` of a package that imports a public name when it is used.

    `modules` says in which module of the package each name is defined.
    """

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return find, lambda: sorted({*vars(sys.modules[package]), *modules})


def import_shared() -> None:
    """Import, on this thread, what an app may be importing as well while ours are loaded on another.

    These packages' modules import each other, and two threads that begin at different ends see them half done.
    """
    import jwt  # noqa: F401
    import werkzeug.exceptions
    import werkzeug.routing
    import werkzeug.wrappers  # noqa: F401


def in_background(load: Callable[[], Loaded]) -> "Future[Loaded]":
    """Run a function once on a thread of its own, which ends with it."""
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(1, thread_name_prefix="azcred-load")
    try:
        return executor.submit(load)
    finally:
        executor.shutdown(wait=False)
