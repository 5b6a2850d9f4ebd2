"""Tokens for a user who has signed in: the checks that all user grants share, and what they give.

A grant calls `check_delegation`, spends its code or refresh token, and calls `respond`: a refused request spends
neither.
"""

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import conditional_access, consent
from azcred_emulators.authority.grants.scopes import DEFAULT, Access
from azcred_emulators.authority.grants.token_request import ClaimsRequest, TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse, client_info
from azcred_emulators.authority.issued import RefreshToken
from azcred_emulators.authority.target_resource import find_target
from azcred_emulators.directory import Application, AppRoleAssignment, Directory, Tenant, User
from azcred_emulators.tokens.access import ClientAuthentication, Delegation, SignIn
from azcred_emulators.tokens.claims import is_graph, roles_in


def check_delegation(
    request: TokenRequest,
    client: Application,
    access: Access,
    sign_in: SignIn,
    *,
    authentication: ClientAuthentication,
    renewal: bool = False,
    claims_request: ClaimsRequest | None = None,
) -> Delegation:
    """Return what the tokens are made of; raises EntraError if the user, or the client for them, may not.

    `renewal` tells that the user is not there: the client presents a refresh token. `claims_request` is by default
    the request's own.
    """
    directory = request.directory
    user = users.find_user(directory, sign_in.user_id, tenant=request.tenant)
    users.check_state(user)
    tenant = users.tenant_of(
        directory, user, tenant=request.tenant, tenant_name=request.tenant_name, client_id=client.client_id
    )
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
        granted = tuple(dict.fromkeys((*granted, *(scope for scope in access.openid if scope != "offline_access"))))
    claims_request = claims_request or request.claims()
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
        capabilities=claims_request.capabilities,
        not_before=claims_request.not_before,
    )


def check_resource(directory: Directory, tenant: Tenant, client: Application, resource: str) -> Application | None:
    """Return the directory's application behind a resource, None for one of Microsoft's; raises EntraError."""
    target = find_target(directory, resource, tenant=tenant.name)
    required = client.required_resource_access
    if required is not None and not any(consent.is_same_resource(name, resource, target) for name in required):
        raise EntraError(650057, client=client.client_id, name=client.name, resource=resource)
    return target


def check_assignments(
    directory: Directory, user: User, client: Application, target: Application | None
) -> tuple[AppRoleAssignment, ...]:
    """Return the user's roles, those through groups included; raises EntraError if one is required and missing."""
    assignments = (
        *user.app_role_assignments,
        *(assignment for group in directory.groups_of(user) for assignment in group.app_role_assignments),
    )
    for application in (client, target):
        if application and application.app_role_assignment_required:
            names = {name.rstrip("/").lower() for name in application.resource_names}
            if not any(assignment.resource.rstrip("/").lower() in names for assignment in assignments):
                raise EntraError(50105, client=application.client_id, name=application.name, user=user.principal_name)
    return assignments


def respond(
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
    openid = tuple(scope for scope in access.openid if scope != "offline_access")
    names = [name for name in delegation.scopes if name not in openid]
    if access.is_default and access.prefix:
        names.append(DEFAULT)
    return (*openid, *(f"{access.prefix}{name}" for name in names))
