"""Emulators of Entra ID and of the hosts of managed identities, usable without pytest."""

from typing import TYPE_CHECKING

from azcred_emulators.loading import public_names

if TYPE_CHECKING:
    from azcred_emulators.emulators import Emulators

__all__ = ["Emulators"]

if not TYPE_CHECKING:  # a type checker would take any name for one of this package
    __getattr__, __dir__ = public_names(__name__, {"Emulators": "emulators"})
