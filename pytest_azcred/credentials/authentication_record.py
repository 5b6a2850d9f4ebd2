"""Which account a user signed in with."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_VERSION = "1.0"
_KEYS = {
    "authority": "authority",
    "client_id": "clientId",
    "home_account_id": "homeAccountId",
    "tenant_id": "tenantId",
    "username": "username",
}
"""The fields, as the JSON of azure-identity names them: a record that either of the two wrote the other can read."""


@dataclass(frozen=True, slots=True)
class AuthenticationRecord:
    """An account of a user, without any secret: what a credential needs to find the account in a token cache.

    :param tenant_id: the tenant in which the user signed in.
    :param client_id: the application for which.
    :param authority: the authority's host.
    :param home_account_id: the account's id in all tenants.
    :param username: the user's principal name.
    """

    tenant_id: str
    client_id: str
    authority: str
    home_account_id: str
    username: str

    @classmethod
    def deserialize(cls, data: str) -> AuthenticationRecord:
        """Read what ``serialize`` wrote.

        :raises ValueError: it is of another version, or no record at all.
        """
        read = json.loads(data)
        version = read.get("version") if isinstance(read, dict) else None
        if version != _VERSION:
            raise ValueError(f"A record of version {version!r} cannot be read, only one of version {_VERSION!r}.")
        missing = [key for key in _KEYS.values() if key not in read]
        if missing:
            raise ValueError(f"The record lacks {', '.join(missing)}.")
        return cls(**{field: read[key] for field, key in _KEYS.items()})

    def serialize(self) -> str:
        """The record as JSON, in the format of azure-identity."""
        return json.dumps({key: getattr(self, field) for field, key in _KEYS.items()} | {"version": _VERSION})


def record_of(result: Mapping[str, Any]) -> AuthenticationRecord | None:
    """The account that msal got a token for; None if the answer does not say."""
    claims = result.get("id_token_claims")
    if not isinstance(claims, Mapping):
        return None
    try:
        issuer = urlsplit(claims["iss"])
        return AuthenticationRecord(
            tenant_id=claims.get("tid") or issuer.path.strip("/").partition("/")[0],
            client_id=claims["aud"],
            authority=issuer.netloc,
            home_account_id=_home_account_id(result.get("client_info")) or claims["sub"],
            username=claims.get("preferred_username") or claims["upn"],
        )
    except (KeyError, ValueError):
        return None


def _home_account_id(client_info: str | None) -> str:
    if not client_info:
        return ""
    info = json.loads(base64.urlsafe_b64decode(client_info + "=" * (-len(client_info) % 4)))
    return f"{info['uid']}.{info['utid']}"
