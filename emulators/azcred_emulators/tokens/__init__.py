"""Access tokens and id tokens: their claims, their signature, and what can be wrong with them."""

from azcred_emulators.tokens.defects import DEFECTS, Defect, Forger, Signature
from azcred_emulators.tokens.mint import Token, TokenRejected, Tokens

__all__ = ["DEFECTS", "Defect", "Forger", "Signature", "Token", "TokenRejected", "Tokens"]
