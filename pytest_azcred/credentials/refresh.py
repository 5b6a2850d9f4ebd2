"""When a token that is at hand no longer does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo

EARLY_SECONDS = 300
"""How long before its expiry a token is renewed (azure-identity 1.27)."""

PAUSE_SECONDS = 30
"""How long after an attempt a token that is still valid is left alone (azure-identity 1.27)."""


def good_until(token: AccessTokenInfo, last_attempt: float) -> float:
    """Until when a token is handed out without another thought, in seconds since the epoch.

    Afterwards it still does until it expires, but is due to be renewed.

    :param last_attempt: when a request for such a token was last begun, in seconds since the epoch.
    """
    due = token.expires_on - EARLY_SECONDS
    if token.refresh_on is not None:
        due = min(due, token.refresh_on)
    return min(max(due, last_attempt + PAUSE_SECONDS), token.expires_on)
