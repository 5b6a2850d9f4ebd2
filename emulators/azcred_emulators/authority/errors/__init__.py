"""How the token service says no: its AADSTS codes, what causes each, and the shape of the response."""

from azcred_emulators.authority.errors.entra_error import ERRORS, EntraError

__all__ = ["ERRORS", "EntraError"]
