"""When a token that is at hand still does."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

EARLY_SECONDS = 300
"""How long before its expiry a token is renewed (azure-identity 1.27)."""

PAUSE_SECONDS = 30
"""How long after an attempt a token that is still valid is left alone (azure-identity 1.27)."""


class Refresh(Enum):
    """What to do before answering with a token."""

    NEEDLESS = "needless"
    ADVISED = "advised"
    """Try to renew it; if that fails, the token at hand still does."""
    REQUIRED = "required"


def refresh_advice(token: AccessTokenInfo | None, last_attempt: float, now: float) -> Refresh:
    """Judge a token.

    :param token: the token at hand, if any.
    :param last_attempt: when a request for such a token was last begun, in seconds since the epoch.
    :param now: the time, in seconds since the epoch.
    """
    if token is None or now >= token.expires_on:
        return Refresh.REQUIRED
    if now - last_attempt < PAUSE_SECONDS:
        return Refresh.NEEDLESS
    if token.refresh_on is not None and now >= token.refresh_on:
        return Refresh.ADVISED
    return Refresh.ADVISED if token.expires_on - now <= EARLY_SECONDS else Refresh.NEEDLESS
