"""Errors of the token service: its AADSTS codes, what causes each, and the response."""

from azcred_emulators.authority.errors.entra_error import ERRORS, EntraError

__all__ = ["ERRORS", "EntraError"]
