"""Tokens for a user who has signed in: the checks that all user grants share, and what they give.

A grant calls `check`, takes its code or refresh token out of use, and calls `answer`: a refusal costs neither.
"""

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import conditional_access, consent, scopes
from azcred_emulators.authority.grants.scopes import DEFAULT, Access
from azcred_emulators.authority.grants.token_request import ClaimsRequest, TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse, client_info
from azcred_emulators.authority.issued import RefreshToken
from azcred_emulators.directory import Application, AppRoleAssignment, Directory, Tenant, User
from azcred_emulators.directory.known_resources import is_known_resource
from azcred_emulators.tokens.access import ClientAuthentication, Delegation, SignIn
from azcred_emulators.tokens.claims import is_graph, roles_in


def requested_access(request: TokenRequest, *, scope: str | None = None, resource: str | None = None) -> Access:
    """Return what the request asks for, else what an earlier one did; raises EntraError if neither says."""
    if request.version == 1:
        wanted = request.form.get("resource") or resource or request.required("resource")
        access = scopes.read_resource(wanted, request.form.get("scope") or "")
    else:
        if request.form.get("resource"):
            raise EntraError(901002)
        wanted = request.form.get("scope") or scope or request.required("scope")
        access = scopes.read_scope(wanted)
        request.details["scope"] = wanted
    request.details["resource"] = access.resource
    return access


def check(
    request: TokenRequest,
    client: Application,
    access: Access,
    sign_in: SignIn,
    *,
    authentication: ClientAuthentication,
    renewal: bool = False,
    wanted: ClaimsRequest | None = None,
) -> Delegation:
    """Return what the tokens are made of; raises EntraError if the user, or the client for them, may not.

    `renewal` tells that the user is not there: the client presents a refresh token. `wanted` are the claims asked for,
    by default by the request itself.
    """
    directory = request.directory
    user = users.find_user(directory, sign_in.user_id, tenant=request.tenant)
    request.details["identity"] = user.principal_name
    users.check_state(user)
    tenant = users.tenant_of(
        directory, user, tenant=request.tenant, tenant_name=request.tenant_name, client_id=client.client_id
    )
    request.details["tenant"] = tenant.id
    target = check_resource(directory, tenant, client, access.resource)
    conditional_access.check_user(
        directory,
        tenant,
        user,
        sign_in,
        resource=access.resource,
        target=target,
        now=request.now,
        renewal=renewal,
    )
    assignments = check_assignments(directory, user, client, target)
    granted = consent.granted_scopes(client, user, access, target)
    if is_graph(access.resource):
        granted = tuple(dict.fromkeys((*granted, *(one for one in access.openid if one != "offline_access"))))
    wanted = wanted or request.claims()
    return Delegation(
        user=user,
        client=client,
        sign_in=sign_in,
        tenant_id=tenant.id,
        resource=access.resource,
        scopes=granted,
        target=target,
        roles=roles_in(assignments, access.resource, target),
        client_roles=roles_in(assignments, client.client_id, client),
        authentication=authentication,
        cloud=request.cloud,
        capabilities=wanted.capabilities,
        not_before=wanted.not_before,
    )


def check_resource(directory: Directory, tenant: Tenant, client: Application, resource: str) -> Application | None:
    """Return the directory's application behind a resource, None for one of Microsoft's; raises EntraError."""
    if not is_known_resource(resource, directory):
        raise EntraError(500011, resource=resource, tenant=tenant.name)
    target = directory.application_for_resource(resource)
    if target and not target.enabled:
        raise EntraError(50001, resource=resource, tenant=tenant.name)
    required = client.required_resource_access
    if required is not None and not any(consent.is_same_resource(one, resource, target) for one in required):
        raise EntraError(650057, client=client.client_id, name=client.name, resource=resource)
    return target


def check_assignments(
    directory: Directory, user: User, client: Application, target: Application | None
) -> tuple[AppRoleAssignment, ...]:
    """Return the user's roles, those through groups included; raises EntraError if one is required and missing."""
    assignments = (
        *user.app_role_assignments,
        *(one for group in directory.groups_of(user) for one in group.app_role_assignments),
    )
    for application in (client, target):
        if application and application.app_role_assignment_required:
            names = {name.rstrip("/").lower() for name in application.resource_names}
            if not any(one.resource.rstrip("/").lower() in names for one in assignments):
                raise EntraError(50105, client=application.client_id, name=application.name, user=user.principal_name)
    return assignments


def answer(
    request: TokenRequest,
    delegation: Delegation,
    access: Access,
    *,
    offline: bool | None = None,
    nonce: str | None = None,
    previous: RefreshToken | None = None,
    spa: bool = False,
) -> TokenResponse:
    """Mint the tokens of a delegation: a refresh token if the client is to go on `offline`, an id token if asked.

    `previous` is the refresh token that the new one replaces.
    """
    request.context.issued.sign_in(delegation.sign_in)
    token = request.tokens.delegated(delegation)
    id_token = None
    if "openid" in access.openid:
        id_token = request.tokens.id_token(
            delegation,
            version=request.version,
            nonce=nonce,
            access_token=token.value,
            email="email" in access.openid,
        )
    refresh_token = None
    if access.offline if offline is None else offline:
        refresh_token = request.context.issued.refresh_token(
            RefreshToken(
                client_id=delegation.client.client_id,
                sign_in=delegation.sign_in,
                scope=access.text,
                resource=delegation.resource,
                issued=request.now,
                started=previous.started if previous else request.now,
                public=delegation.authentication is ClientAuthentication.PUBLIC,
                spa=spa or (previous is not None and previous.spa),
                family=delegation.client.family,
            )
        )
    user = delegation.user
    return TokenResponse(
        token=token,
        resource=access.resource,
        scopes=written_scopes(delegation, access) if request.version == 2 else delegation.scopes,
        refresh_token=refresh_token,
        id_token=id_token,
        client_info=client_info(user.object_id, user.tenant_id) if request.form.get("client_info") else None,
        family=delegation.client.family,
    )


def written_scopes(delegation: Delegation, access: Access) -> tuple[str, ...]:
    """Return the granted scopes as the client writes them, which is how msal finds the token in its cache."""
    openid = tuple(one for one in access.openid if one != "offline_access")
    names = [name for name in delegation.scopes if name not in openid]
    if access.is_default and access.prefix:
        names.append(DEFAULT)
    return (*openid, *(f"{access.prefix}{name}" for name in names))
