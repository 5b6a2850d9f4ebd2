"""Reads the answer to a token request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.core.credentials import AccessTokenInfo

_LONG_LIVED_SECONDS = 7200


def token_of(payload: Any, now: int, *, halve: bool = False) -> AccessTokenInfo | None:
    """The token of an answer; None if it has none, or does not say when it expires.

    :param now: when the request was sent, in seconds since the epoch.
    :param halve: renew a token that lives for two hours or more halfway, unless the answer says when. azure-identity
        1.27 does so for managed and workload identities.
    """
    if not isinstance(payload, Mapping) or not payload.get("access_token"):
        return None
    try:
        expires_on = _expiry(payload, now)
        refresh_on: int | None = None
        if "refresh_on" in payload:
            refresh_on = int(payload["refresh_on"])
        elif "refresh_in" in payload:
            refresh_on = now + int(payload["refresh_in"])
        elif halve and expires_on - now >= _LONG_LIVED_SECONDS:
            refresh_on = now + (expires_on - now) // 2
    except (KeyError, TypeError, ValueError):
        return None
    token_type = payload.get("token_type") or "Bearer"
    return AccessTokenInfo(payload["access_token"], expires_on, token_type=token_type, refresh_on=refresh_on)


def _expiry(payload: Mapping[str, Any], now: int) -> int:
    try:
        return int(payload["expires_on"])
    except (KeyError, TypeError, ValueError):
        return now + int(payload["expires_in"])


def refusal(payload: Any) -> str:
    """Why there is no token, in the service's words; empty if it gave none."""
    if not isinstance(payload, Mapping):
        return ""
    return str(payload.get("error_description") or payload.get("error") or "")
