"""The store of the emulated tenants and everything in them, which a test may change at any time."""

import threading
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from azcred_emulators.directory.entities import (
    ALL,
    Application,
    ConditionalAccessPolicy,
    Entity,
    Group,
    ManagedIdentity,
    PermissionGrant,
    Principal,
    Subscription,
    Tenant,
    User,
)

_Entity = TypeVar("_Entity", Tenant, Application, ManagedIdentity, User, Group, ConditionalAccessPolicy, Subscription)


def identifier(entity: Entity) -> str:
    """Return the id under which an entity is stored; no change to the entity may change it."""
    match entity:
        case Tenant() | ConditionalAccessPolicy() | Subscription():
            return entity.id.lower()
        case User() | Group():
            return entity.object_id.lower()
        case _:
            return entity.client_id.lower()


@dataclass(frozen=True, slots=True)
class _Index:
    """Entities by other names than their ids; made again after a change, since requests outnumber changes."""

    tenants: Mapping[str, Tenant]
    resources: Mapping[str, Application]
    users: Mapping[str, User]
    policies: tuple[ConditionalAccessPolicy, ...]
    subscriptions: tuple[Subscription, ...]


def _make_index(entities: Iterable[Entity]) -> _Index:
    tenants: dict[str, Tenant] = {}
    resources: dict[str, Application] = {}
    users: dict[str, User] = {}
    policies: list[ConditionalAccessPolicy] = []
    subscriptions: list[Subscription] = []
    for entity in entities:
        match entity:
            case Tenant():
                for name in (entity.id, *entity.domains, *entity.federated_domains):
                    tenants.setdefault(name.lower(), entity)
            case Application():
                for name in entity.resource_names:
                    resources.setdefault(name.rstrip("/").lower(), entity)
            case User():
                users.setdefault(entity.principal_name.lower(), entity)
            case ConditionalAccessPolicy():
                policies.append(entity)
            case Subscription():
                subscriptions.append(entity)
    return _Index(tenants, resources, users, tuple(policies), tuple(subscriptions))


class Directory:
    """The store of tenants, applications, users, groups and policies, and of managed identities and their hosts.

    Entities are immutable. `replace` stores a changed copy in place of an entity. `audiences_of_stand_ins` are what a
    test's own resources take tokens for, in lower case and without a slash at the end.
    """

    def __init__(self, entities: Iterable[Entity] = ()) -> None:
        self._lock = threading.Lock()
        self._cached_index: _Index | None = None
        self._entities: dict[str, Entity] = {identifier(entity): entity for entity in entities}
        self._assigned: dict[str, tuple[str, ...]] = {}
        self._resource_ids: dict[str, str] = {}
        self.audiences_of_stand_ins: frozenset[str] = frozenset()
        self.keep()

    def add(self, entity: _Entity) -> _Entity:
        """Store an entity and return it.

        :param entity: a tenant, application, managed identity, user, group, policy or subscription.
        :return: the entity.
        :raises ValueError: the directory has an entity with the same id.
        """
        with self._lock:
            if identifier(entity) in self._entities:
                raise ValueError(
                    f"the directory has an entity with the id {identifier(entity)!r}; use replace() to change it"
                )
            self._entities[identifier(entity)] = entity
            self._cached_index = None
        return entity

    def replace(self, entity: _Entity, **changes: object) -> _Entity:
        """Replace an entity with a changed copy, and return the copy.

        :param entity: the entity; only its id matters.
        :param changes: the fields to change, such as `secrets=()`.
        :return: the changed copy.
        :raises LookupError: the directory does not have the entity.
        :raises ValueError: its id would change.
        """
        with self._lock:
            current = self._entities.get(identifier(entity))
            if not isinstance(current, type(entity)):
                raise LookupError(f"the directory has no {type(entity).__name__} with the id {identifier(entity)!r}")
            changed = replace(current, **changes)  # type: ignore[arg-type]  # the caller names the fields
            if identifier(changed) != identifier(entity):
                raise ValueError(f"the id {identifier(entity)!r} cannot be changed; add a new entity instead")
            self._entities[identifier(entity)] = changed
            self._cached_index = None
        return changed

    def remove(self, entity: Entity) -> None:
        """Delete an entity and its assignments. Nothing happens if the directory does not have it.

        :param entity: the entity.
        """
        with self._lock:
            self._entities.pop(identifier(entity), None)
            self._cached_index = None
            for host, client_ids in self._assigned.items():
                self._assigned[host] = tuple(client_id for client_id in client_ids if client_id != identifier(entity))

    def consent(
        self, application: Application, resource: str, scopes: Iterable[str], *, user: User | None = None
    ) -> Application:
        """Record consent to scopes of a resource for an application.

        :param application: the application.
        :param resource: any name of the resource.
        :param scopes: the scopes.
        :param user: the user who consents; by default an administrator, for all users.
        :return: the changed application.
        :raises LookupError: the directory does not have the application.
        """
        grant = PermissionGrant(resource, tuple(scopes), user.object_id if user else None)
        with self._lock:
            current = self._entities.get(identifier(application))
            if not isinstance(current, Application):
                raise LookupError(f"the directory has no Application with the id {identifier(application)!r}")
            changed = replace(current, permission_grants=(*current.permission_grants, grant))
            self._entities[identifier(application)] = changed
            self._cached_index = None
        return changed

    def tenant(self, name: str) -> Tenant | None:
        """Return the tenant with this GUID or domain, in any case.

        :param name: the GUID or domain.
        :return: the tenant; None if there is none.
        """
        return self._index.tenants.get(name.lower())

    def tenants(self) -> Sequence[Tenant]:
        """Return all tenants, the first added first."""
        return list(dict.fromkeys(self._index.tenants.values()))

    def principal(self, client_id: str) -> Principal | None:
        """Return the application or managed identity with this client id, in any case.

        :param client_id: the client id.
        :return: the application or managed identity; None if there is none.
        """
        entity = self._entities.get(client_id.lower())
        return entity if isinstance(entity, Application | ManagedIdentity) else None

    def applications(self) -> Sequence[Application]:
        """Return all applications, the first added first."""
        return [entity for entity in list(self._entities.values()) if isinstance(entity, Application)]

    def application_for_resource(self, resource: str) -> Application | None:
        """Return the application that has this name as a resource.

        :param resource: the name, such as "api://orders".
        :return: the application; None if there is none.
        """
        return self._index.resources.get(resource.rstrip("/").lower())

    def user(self, name: str) -> User | None:
        """Return the user with this principal name or object id, in any case.

        :param name: the principal name or object id.
        :return: the user; None if there is none.
        """
        entity = self._entities.get(name.lower())
        return entity if isinstance(entity, User) else self._index.users.get(name.lower())

    def users(self) -> Sequence[User]:
        """Return all users, the first added first."""
        return list(self._index.users.values())

    def groups_of(self, user: User) -> Sequence[Group]:
        """Return the groups of a user that are in the directory.

        :param user: the user.
        :return: the groups.
        """
        entities = (self._entities.get(object_id.lower()) for object_id in user.member_of)
        return [entity for entity in entities if isinstance(entity, Group)]

    def policies(self) -> Sequence[ConditionalAccessPolicy]:
        """Return the Conditional Access policies of all tenants."""
        return self._index.policies

    def subscriptions(self, tenant_id: str, object_id: str) -> Sequence[Subscription]:
        """Return the subscriptions of a tenant that a user or service principal can see, the first added first.

        :param tenant_id: the GUID of the tenant.
        :param object_id: the object id of the user or service principal.
        :return: the subscriptions.
        """
        user = self.user(object_id)
        ids = {object_id.lower(), *(group.lower() for group in (user.member_of if user else ()))}
        return [
            subscription
            for subscription in self._index.subscriptions
            if subscription.tenant_id.lower() == tenant_id.lower()
            and any(reader == ALL or reader.lower() in ids for reader in subscription.readers)
        ]

    def tenants_of(self, user: User) -> Sequence[Tenant]:
        """Return a user's own tenant and the tenants in which the user is a guest.

        :param user: the user.
        :return: the tenants.
        """
        ids = {user.tenant_id.lower(), *(tenant_id.lower() for tenant_id in user.guest_in)}
        return [tenant for tenant in self.tenants() if tenant.id.lower() in ids]

    def assign(self, host: str, *identities: ManagedIdentity) -> None:
        """Assign managed identities to a host, in addition to those that it has.

        :param host: the host, such as "imds".
        :param identities: the managed identities.
        """
        with self._lock:
            client_ids = (*self._assigned.get(host, ()), *map(identifier, identities))
            self._assigned[host] = tuple(dict.fromkeys(client_ids))

    def unassign(self, host: str, *identities: ManagedIdentity) -> None:
        """Remove managed identities from a host.

        :param host: the host, such as "imds".
        :param identities: the managed identities.
        """
        removed = {identifier(identity) for identity in identities}
        with self._lock:
            client_ids = self._assigned.get(host, ())
            self._assigned[host] = tuple(client_id for client_id in client_ids if client_id not in removed)

    def assigned(self, host: str) -> Sequence[ManagedIdentity]:
        """Return the managed identities of a host, in the order in which they were assigned.

        :param host: the host, such as "imds".
        :return: the managed identities.
        """
        entities = (self._entities.get(client_id) for client_id in self._assigned.get(host, ()))
        return [entity for entity in entities if isinstance(entity, ManagedIdentity)]

    def set_resource_id(self, host: str, resource_id: str) -> None:
        """Set the ARM id of the machine or app that a host belongs to.

        :param host: the host, such as "imds".
        :param resource_id: the ARM id.
        """
        with self._lock:
            self._resource_ids[host] = resource_id

    def resource_id(self, host: str) -> str:
        """Return the ARM id of the machine or app that a host belongs to.

        :param host: the host, such as "imds".
        :return: the ARM id; "" if none is set.
        """
        return self._resource_ids.get(host, "")

    def content(self) -> tuple[Sequence[Entity], Mapping[str, tuple[str, ...]], Mapping[str, str]]:
        """Return all entities, the client ids that are assigned to each host, and the ARM ids of hosts."""
        with self._lock:
            known = {
                host: tuple(client_id for client_id in client_ids if client_id in self._entities)
                for host, client_ids in self._assigned.items()
            }
            return list(self._entities.values()), known, dict(self._resource_ids)

    def fill(
        self, entities: Iterable[Entity], assigned: Mapping[str, Iterable[str]], resource_ids: Mapping[str, str]
    ) -> None:
        """Replace the whole content. The arguments are what `content` returns.

        :param entities: all entities.
        :param assigned: the client ids that are assigned to each host.
        :param resource_ids: the ARM id of each host.
        """
        with self._lock:
            self._entities = {identifier(entity): entity for entity in entities}
            self._assigned = {
                host: tuple(client_id.lower() for client_id in client_ids) for host, client_ids in assigned.items()
            }
            self._resource_ids = dict(resource_ids)
            self._cached_index = None

    def checkpoint(self) -> tuple[Container[str], Callable[[], None]]:
        """Return all ids of everybody in the directory, and the function that returns to the present content."""
        with self._lock:
            content = (self._entities.copy(), self._assigned.copy(), self._resource_ids.copy())
            audiences = self.audiences_of_stand_ins

        def undo() -> None:
            with self._lock:
                self._entities, self._assigned, self._resource_ids = content
                self.audiences_of_stand_ins = audiences
                self._cached_index = None

        principals = (entity for entity in content[0].values() if isinstance(entity, Application | ManagedIdentity))
        return {*content[0], *(principal.object_id.lower() for principal in principals)}, undo

    def keep(self) -> None:
        """Take the snapshot to which `reset` returns."""
        with self._lock:
            self._snapshot = (dict(self._entities), dict(self._assigned), dict(self._resource_ids))

    def reset(self) -> None:
        """Return to the content at the last `keep`, or to the initial content."""
        with self._lock:
            entities, assigned, resource_ids = self._snapshot
            self._entities, self._assigned = dict(entities), dict(assigned)
            self._resource_ids = dict(resource_ids)
            self.audiences_of_stand_ins = frozenset()
            self._cached_index = None

    @property
    def _index(self) -> _Index:
        index = self._cached_index
        if index is None:
            with self._lock:
                index = self._cached_index = _make_index(self._entities.values())
        return index
