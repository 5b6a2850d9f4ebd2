"""The emulated tenants and everything in them: data, and one store that a test may change at any time."""

import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cryptography import x509

TOKEN_EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of Entra ID, found by its GUID or by any of its verified domains."""

    id: str
    domains: tuple[str, ...] = ()
    name: str = "Contoso"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A secret of an application; `starts` and `expires` are epoch seconds, None for no bound."""

    value: str = field(repr=False)
    starts: float | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """A token issuer that an application or managed identity trusts, for exactly one subject and audience."""

    issuer: str
    subject: str
    audience: str = TOKEN_EXCHANGE_AUDIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application with its service principal in the tenant.

    `identifier_uris` are the names under which other applications ask for tokens to it, and
    `access_token_version` (1 or 2) is the version of these tokens, as in the application's manifest.
    """

    name: str
    tenant_id: str
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    secrets: tuple[ClientSecret, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    federated_credentials: tuple[FederatedCredential, ...] = ()
    identifier_uris: tuple[str, ...] = ()
    access_token_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedIdentity:
    """A managed identity; `resource_id` is the ARM id of the identity, or of its host if system-assigned."""

    name: str
    tenant_id: str
    resource_id: str
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    system_assigned: bool = False
    federated_credentials: tuple[FederatedCredential, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of the tenant."""

    name: str
    tenant_id: str
    principal_name: str
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    password: str = field(default="", repr=False)


Principal = Application | ManagedIdentity
Entity = Tenant | Application | ManagedIdentity | User
_Entity = TypeVar("_Entity", Tenant, Application, ManagedIdentity, User)


def _key(entity: Entity) -> str:
    """Return the id under which an entity is stored, which no change to it may alter."""
    match entity:
        case Tenant():
            return entity.id.lower()
        case User():
            return entity.object_id.lower()
        case _:
            return entity.client_id.lower()


class Directory:
    """The store of tenants, applications, managed identities and users, and of what is assigned where.

    Its entities are immutable: `replace` puts a changed copy in an entity's place.
    """

    def __init__(self, entities: Iterable[Entity] = ()) -> None:
        self._lock = threading.Lock()
        self._entities: dict[str, Entity] = {_key(entity): entity for entity in entities}
        self._assigned: dict[str, tuple[str, ...]] = {}
        self._snapshot = (dict(self._entities), dict(self._assigned))

    def add(self, entity: _Entity) -> _Entity:
        """Store an entity and return it.

        Raises ValueError if one with the same id is there.
        """
        with self._lock:
            if _key(entity) in self._entities:
                raise ValueError(
                    f"the directory has an entity with the id {_key(entity)!r}; use replace() to change it"
                )
            self._entities[_key(entity)] = entity
        return entity

    def replace(self, entity: _Entity, **changes: object) -> _Entity:
        """Put a copy of the entity with these fields changed in its place and return the copy.

        Raises LookupError if the entity is not there, ValueError if its id would change.
        """
        with self._lock:
            current = self._entities.get(_key(entity))
            if not isinstance(current, type(entity)):
                raise LookupError(f"the directory has no {type(entity).__name__} with the id {_key(entity)!r}")
            changed = replace(current, **changes)  # type: ignore[arg-type]  # the caller names the fields
            if _key(changed) != _key(entity):
                raise ValueError(f"the id {_key(entity)!r} cannot be changed; add a new entity instead")
            self._entities[_key(entity)] = changed
        return changed

    def remove(self, entity: Entity) -> None:
        """Delete an entity and its assignments; nothing happens if it is not there."""
        with self._lock:
            self._entities.pop(_key(entity), None)
            for host, client_ids in self._assigned.items():
                self._assigned[host] = tuple(one for one in client_ids if one != _key(entity))

    def tenant(self, name: str) -> Tenant | None:
        """Return the tenant with this GUID or domain, in any case."""
        wanted = name.lower()
        for tenant in self._all(Tenant):
            if wanted in (tenant.id.lower(), *(domain.lower() for domain in tenant.domains)):
                return tenant
        return None

    def principal(self, client_id: str) -> Principal | None:
        """Return the application or managed identity with this client id, in any case."""
        entity = self._entities.get(client_id.lower())
        return entity if isinstance(entity, Application | ManagedIdentity) else None

    def application_for_resource(self, resource: str) -> Application | None:
        """Return the application of the directory that a resource or a scope's resource names."""
        wanted = resource.rstrip("/").lower()
        for application in self._all(Application):
            names = (application.client_id, f"api://{application.client_id}", *application.identifier_uris)
            if wanted in (name.rstrip("/").lower() for name in names):
                return application
        return None

    def assign(self, host: str, *identities: ManagedIdentity) -> None:
        """Assign managed identities to a host such as "imds", in addition to those it has."""
        with self._lock:
            held = self._assigned.get(host, ())
            self._assigned[host] = tuple(dict.fromkeys((*held, *map(_key, identities))))

    def unassign(self, host: str, *identities: ManagedIdentity) -> None:
        """Take managed identities away from a host."""
        gone = {_key(identity) for identity in identities}
        with self._lock:
            self._assigned[host] = tuple(one for one in self._assigned.get(host, ()) if one not in gone)

    def assigned(self, host: str) -> Sequence[ManagedIdentity]:
        """Return the managed identities that a host has, in the order in which they were assigned."""
        entities = (self._entities.get(client_id) for client_id in self._assigned.get(host, ()))
        return [entity for entity in entities if isinstance(entity, ManagedIdentity)]

    def keep(self) -> None:
        """Make the present content what `reset` returns to."""
        with self._lock:
            self._snapshot = (dict(self._entities), dict(self._assigned))

    def reset(self) -> None:
        """Return to the content at the last `keep`, or at the start."""
        with self._lock:
            entities, assigned = self._snapshot
            self._entities, self._assigned = dict(entities), dict(assigned)

    def _all(self, kind: type[_Entity]) -> Iterator[_Entity]:
        return (entity for entity in list(self._entities.values()) if isinstance(entity, kind))
