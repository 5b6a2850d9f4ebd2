"""Which managed identity is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .errors import CredentialUnavailableError


@dataclass(frozen=True, slots=True)
class Identity:
    """A user-assigned identity, by one of its names."""

    kind: Literal["client_id", "object_id", "resource_id"]
    value: str


def named_identity(client_id: str | None, identity_config: Mapping[str, str] | None) -> Identity | None:
    """The user-assigned identity that a credential was given, if any.

    :raises ValueError: it is named in more than one way.
    """
    config = identity_config or {}
    names = [Identity("client_id", client_id)] if client_id else []
    names += [Identity(kind, config[kind]) for kind in ("client_id", "object_id", "resource_id") if kind in config]
    if len(names) > 1:
        ways = " and ".join(name.kind for name in names)
        raise ValueError(f"The identity is named by {ways}: name it in one way only.")
    return names[0] if names and names[0].value else None


def unavailable(reason: str) -> CredentialUnavailableError:
    """The error for a host that is not there, or has no such identity."""
    from .errors import CredentialUnavailableError

    return CredentialUnavailableError(message=f"ManagedIdentityCredential is unavailable: {reason}")
