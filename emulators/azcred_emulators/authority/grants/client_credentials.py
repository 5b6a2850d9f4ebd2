"""The client credentials grant: an application or managed identity acts for itself."""

import re

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import (
    agent_identities,
    client_assertions,
    client_authentication,
    conditional_access,
)
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.scopes import OPENID_SCOPES, Access
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.target_resource import find_target
from azcred_emulators.directory import Application, Principal, Tenant
from azcred_emulators.tokens.access import AppOnlyAccess

_SCOPE = re.compile(r"^[A-Za-z0-9_\-.:/]+$")


def _respond(request: TokenRequest) -> TokenResponse:
    """Authenticate the client and mint its token for the one resource it asks for."""
    tenant = request.one_tenant()
    client_id = request.required("client_id")
    resource = _access(request).resource
    principal = _principal(request, client_id, tenant)
    authentication = client_authentication.authenticate_confidential_client(request, principal)
    target = find_target(request.directory, resource, tenant=tenant.name)
    conditional_access.check_principal(request.directory, tenant, principal, resource=resource, target=target)
    path = request.form.get("fmi_path")
    access = AppOnlyAccess(
        principal,
        resource,
        authentication=authentication,
        cloud=request.cloud,
        target=target,
        tenant_id=tenant.id,
        capabilities=request.claims().capabilities,
        subject=agent_identities.subject(tenant.id, principal.client_id, path) if path else None,
    )
    return TokenResponse(token=request.tokens.app_only(access), resource=resource)


def _provider(request: TokenRequest) -> str:
    """Return the provider that proves who it is as the request does; a secret takes precedence over an assertion."""
    if request.form.get("client_secret") or not request.form.get("client_assertion"):
        return "environment"
    federated = client_assertions.read(request.form["client_assertion"]).federated
    return "workload-identity" if federated else "environment"


def _principal(request: TokenRequest, client_id: str, tenant: Tenant) -> Principal:
    principal = request.directory.principal(client_id)
    if principal is None:
        raise EntraError(700016, client=client_id, tenant=tenant.name)
    if principal.tenant_id != tenant.id:
        if not isinstance(principal, Application) or not principal.multi_tenant:
            raise EntraError(700016, client=client_id, tenant=tenant.name)
        if tenant.id not in principal.service_principal_in:
            raise EntraError(7000229, client=client_id, tenant=tenant.id)
    if isinstance(principal, Application) and not principal.enabled:
        raise EntraError(7000112, client=principal.client_id, name=principal.name)
    return principal


def _access(request: TokenRequest) -> Access:
    """Return what the v1 parameter `resource` or the v2 scope `<resource>/.default` asks for."""
    if request.version == 1:
        return Access(resource=request.required("resource"))
    if request.form.get("resource"):
        raise EntraError(901002)
    text = " ".join(request.required("scope").split())
    # msal for Go and Java sends OpenID Connect's scopes, too.
    scopes = [scope for scope in text.split() if scope.lower() not in OPENID_SCOPES]
    if not scopes:
        raise EntraError(1002012, scope=text)
    if len(scopes) > 1:
        raise EntraError(700022)
    if not _SCOPE.match(scopes[0]):
        raise EntraError(70011, scope=scopes[0])
    resource, default, rest = scopes[0].rpartition("/.default")
    if not default or rest:
        raise EntraError(1002012, scope=scopes[0])
    return Access(resource=resource, text=text)


CLIENT_CREDENTIALS = Grant(respond=_respond, provider=_provider, access=_access)
