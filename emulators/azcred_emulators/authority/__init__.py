"""The Entra ID token service."""

from azcred_emulators.authority.service import Authority

__all__ = ["Authority"]
