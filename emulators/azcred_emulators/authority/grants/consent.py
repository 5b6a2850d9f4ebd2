"""What was consented to: the scopes that a client may use of a resource on behalf of a user."""

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants.scopes import Access
from azcred_emulators.directory import Application, User
from azcred_emulators.tokens.claims import is_graph

_EVERYTHING = "*"


def granted_scopes(client: Application, user: User, access: Access, target: Application | None) -> tuple[str, ...]:
    """Return the names of the scopes that the token will have.

    Raises EntraError if the resource has no such scope or the user or an administrator has not consented.
    """
    declared = target.oauth2_permission_scopes if target else ()
    consented = _consented(client, user, access.resource, target)
    if access.is_default:
        granted = tuple(scope for scope in consented if scope != _EVERYTHING)
        if _EVERYTHING in consented:
            granted = tuple(dict.fromkeys((*granted, *(declared or _usual(access.resource)))))
    else:
        if target:
            for name in access.names:
                if name not in declared:
                    raise EntraError(650053, name=client.name, scope=name, resource=target.client_id)
        granted = access.names
        missing = [] if _EVERYTHING in consented else [name for name in access.names if not _among(name, consented)]
        if target and any(name in target.admin_consent_scopes for name in missing):
            raise EntraError(90094, name=client.name, tenant=user.tenant_id)
        if missing:
            raise EntraError(65001, client=client.client_id, name=client.name)
    if not granted and access.names:
        raise EntraError(65001, client=client.client_id, name=client.name)
    return granted


def is_same_resource(name: str, other: str, target: Application | None) -> bool:
    """Tell whether two names are of one resource; `target` is the application behind the other."""
    normalized = name.rstrip("/").lower()
    if normalized == other.rstrip("/").lower() or (is_graph(name) and is_graph(other)):
        return True
    return target is not None and normalized in (item.rstrip("/").lower() for item in target.resource_names)


def _consented(client: Application, user: User, resource: str, target: Application | None) -> tuple[str, ...]:
    scopes = (
        scope
        for grant in client.permission_grants
        if grant.principal_id is None or grant.principal_id.lower() == user.object_id.lower()
        if grant.resource == _EVERYTHING or is_same_resource(grant.resource, resource, target)
        for scope in grant.scopes
    )
    return tuple(dict.fromkeys(scopes))


def _among(name: str, scopes: tuple[str, ...]) -> bool:
    return name.lower() in (scope.lower() for scope in scopes)


def _usual(resource: str) -> tuple[str, ...]:
    """Return what an Azure service's token says where everything was consented to."""
    return ("User.Read",) if is_graph(resource) else ("user_impersonation",)
