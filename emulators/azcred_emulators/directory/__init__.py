"""The emulated tenants: applications, managed identities, users, and what they are allowed.

Nothing is imported until a name is used: the table of environments needs the identifiers alone.
"""

from typing import TYPE_CHECKING

from azcred_emulators.loading import public_names

if TYPE_CHECKING:
    from azcred_emulators.directory.entities import (
        ADMIN_CONSENT,
        ALL,
        Application,
        AppRoleAssignment,
        ClientSecret,
        ConditionalAccessPolicy,
        Entity,
        FederatedCredential,
        Group,
        ManagedIdentity,
        Mfa,
        OptionalClaims,
        PermissionGrant,
        Principal,
        Subscription,
        Tenant,
        TokenTimes,
        TrustedSubject,
        User,
    )
    from azcred_emulators.directory.store import Directory

__all__ = [
    "ADMIN_CONSENT",
    "ALL",
    "AppRoleAssignment",
    "Application",
    "ClientSecret",
    "ConditionalAccessPolicy",
    "Directory",
    "Entity",
    "FederatedCredential",
    "Group",
    "ManagedIdentity",
    "Mfa",
    "OptionalClaims",
    "PermissionGrant",
    "Principal",
    "Subscription",
    "Tenant",
    "TokenTimes",
    "TrustedSubject",
    "User",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of this package
    __getattr__, __dir__ = public_names(__name__, {**dict.fromkeys(__all__, "entities"), "Directory": "store"})
