"""Whose tokens an app gets in a place: what the table of environments says of applications and managed identities.

`initial_directory` makes the directory's entities of them. This module is as light as the table.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemAssigned:
    """A managed identity that belongs to the machine or app of the place."""

    client_id: str


@dataclass(frozen=True, slots=True)
class UserAssigned:
    """A managed identity that is a resource of its own.

    `name` is by default that of the environment. `trust` is the issuer and the subject of tokens from outside Entra ID
    that it signs in with, as pods do.
    """

    client_id: str
    name: str | None = None
    trust: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """An application with a secret, or instead of one with the `trust` that a pipeline's tokens have."""

    client_id: str
    name: str | None = None
    trust: tuple[str, str] | None = None


Identity = SystemAssigned | UserAssigned | ServicePrincipal
