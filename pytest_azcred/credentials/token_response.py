"""Reads the answer to a token request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.core.credentials import AccessTokenInfo

_LONG_LIVED_SECONDS = 7200


def has_token(payload: Any) -> bool:
    """Whether an answer holds a token and says when it expires."""
    return (
        isinstance(payload, Mapping)
        and bool(payload.get("access_token"))
        and bool(payload.get("expires_in") or payload.get("expires_on"))
    )


def read_token(payload: Mapping[str, Any], now: int, *, halve: bool = False) -> AccessTokenInfo:
    """The token of an answer that has one.

    :param now: when the request was sent, in seconds since the epoch.
    :param halve: renew a token that lives for two hours or more halfway, unless the answer says when. azure-identity
        1.27 does so for managed and workload identities.
    :raises ValueError: a time in the answer is not a number.
    """
    expires_on = int(payload.get("expires_on") or now + int(payload["expires_in"]))
    refresh_on: int | None = None
    if "refresh_on" in payload:
        refresh_on = int(payload["refresh_on"])
    elif "refresh_in" in payload:
        refresh_on = now + int(payload["refresh_in"])
    elif halve and expires_on - now >= _LONG_LIVED_SECONDS:
        refresh_on = now + (expires_on - now) // 2
    return AccessTokenInfo(
        payload["access_token"],
        expires_on,
        token_type=payload.get("token_type") or "Bearer",
        refresh_on=refresh_on,
    )


def refusal(payload: Any) -> str:
    """Why there is no token, in the service's words; empty if it gave none."""
    if not isinstance(payload, Mapping):
        return ""
    return str(payload.get("error_description") or payload.get("error") or "")
