"""Emulators of Entra ID and of the hosts of managed identities, usable without pytest."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azcred_emulators.emulators import Emulators

__all__ = ["Emulators"]

if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> object:
        if name != "Emulators":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from azcred_emulators.emulators import Emulators

        return Emulators
