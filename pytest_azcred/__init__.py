"""Test apps that use DefaultAzureCredential, offline and unmodified.

Tests use the fixtures; the names here are for annotations. Nothing is imported until a name is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_azcred.azcred import Azcred
    from pytest_azcred.azurite import Azurite
    from pytest_azcred.context import environment
    from pytest_azcred.place import Place
    from pytest_azcred.redirect.routes import UNREACHABLE, HostRefused

__all__ = ["UNREACHABLE", "Azcred", "Azurite", "HostRefused", "Place", "environment"]

_MODULES = {
    "UNREACHABLE": "redirect.routes",
    "Azurite": "azurite",
    "HostRefused": "redirect.routes",
    "Place": "place",
    "Azcred": "session",
    "environment": "context",
}

if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
