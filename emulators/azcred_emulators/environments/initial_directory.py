"""The directory that a run starts with: Contoso's, with an identity for every environment of the table."""

import secrets
from collections.abc import Iterator

from azcred_emulators.directory import (
    Application,
    ClientSecret,
    Directory,
    FederatedCredential,
    ManagedIdentity,
    Principal,
)
from azcred_emulators.directory.contoso import contoso
from azcred_emulators.directory.identifiers import RESOURCE_GROUP, TENANT_ID, object_id
from azcred_emulators.environments.environment import Environment
from azcred_emulators.environments.identities import ServicePrincipal, SystemAssigned, UserAssigned
from azcred_emulators.environments.table import ENVIRONMENTS

_USER_ASSIGNED = f"{RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


def initial_directory() -> Directory:
    """Return a new directory; its secrets are made anew each time."""
    directory = Directory([*_principals(), *contoso()])
    for environment in ENVIRONMENTS.values():
        host, identity = environment.host, directory.principal(environment.client_id or "")
        if host and isinstance(identity, ManagedIdentity) and not directory.assigned(host):  # several share IMDS
            directory.assign(host, identity)
            directory.set_resource_id(host, environment.resource_id)
    directory.keep()
    return directory


def _principals() -> Iterator[Principal]:
    for environment in ENVIRONMENTS.values():
        if environment.identity:
            yield _principal(environment, environment.identity)


def _principal(environment: Environment, identity: SystemAssigned | UserAssigned | ServicePrincipal) -> Principal:
    """Return the entity for the identity of an environment."""
    client_id = identity.client_id
    match identity:
        case SystemAssigned():
            return ManagedIdentity(
                name=environment.name,
                tenant_id=TENANT_ID,
                client_id=client_id,
                object_id=object_id(client_id),
                resource_id=environment.resource_id,
                system_assigned=True,
            )
        case UserAssigned():
            return ManagedIdentity(
                name=identity.name or environment.name,
                tenant_id=TENANT_ID,
                client_id=client_id,
                object_id=object_id(client_id),
                resource_id=f"{_USER_ASSIGNED}/{environment.name}",
                system_assigned=False,
                federated_credentials=_trust(identity.trust),
            )
        case ServicePrincipal():
            return Application(
                name=identity.name or environment.name,
                tenant_id=TENANT_ID,
                client_id=client_id,
                object_id=object_id(client_id),
                secrets=() if identity.trust else (ClientSecret(f"azcred~{secrets.token_urlsafe(24)}"),),
                federated_credentials=_trust(identity.trust),
            )


def _trust(trust: tuple[str, str] | None) -> tuple[FederatedCredential, ...]:
    return (FederatedCredential(*trust),) if trust else ()
