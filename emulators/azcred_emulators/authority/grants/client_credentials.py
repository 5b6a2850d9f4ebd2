"""The client credentials grant: an application or managed identity acts for itself."""

import re

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import agent_identities, client_authentication, conditional_access
from azcred_emulators.authority.grants.scopes import OPENID_SCOPES
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import Application, Principal, Tenant
from azcred_emulators.directory.known_resources import is_known_resource

_SCOPE = re.compile(r"^[A-Za-z0-9_\-.:/]+$")


def client_credentials(request: TokenRequest) -> TokenResponse:
    """Authenticate the client and mint its token for the one resource it asks for."""
    tenant = request.one_tenant()
    client_id = request.required("client_id")
    resource = _resource(request)
    principal = _principal(request, client_id, tenant)
    request.details.update(client_id=principal.client_id, identity=principal.name, resource=resource)
    authentication = client_authentication.authenticate_confidential_client(request, principal)
    if not is_known_resource(resource, request.directory):
        raise EntraError(500011, resource=resource, tenant=tenant.name)
    target = request.directory.application_for_resource(resource)
    if target and not target.enabled:
        raise EntraError(50001, resource=resource, tenant=tenant.name)
    conditional_access.check_principal(request.directory, tenant, principal, resource=resource, target=target)
    path = request.form.get("fmi_path")
    token = request.tokens.app_only(
        principal,
        resource,
        authentication=authentication,
        cloud=request.cloud,
        target=target,
        tenant_id=tenant.id,
        capabilities=request.claims().capabilities,
        subject=agent_identities.subject(tenant.id, principal.client_id, path) if path else None,
    )
    return TokenResponse(token=token, resource=resource)


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


def _resource(request: TokenRequest) -> str:
    """Return the resource of the v1 parameter `resource`, or of the v2 scope `<resource>/.default`."""
    if request.version == 1:
        return request.required("resource")
    if request.form.get("resource"):
        raise EntraError(901002)
    wanted = request.required("scope").split()
    request.details["scope"] = " ".join(wanted)
    scopes = [scope for scope in wanted if scope.lower() not in OPENID_SCOPES]  # msal for Go and Java sends them, too
    if not scopes:
        raise EntraError(1002012, scope=" ".join(wanted))
    if len(scopes) > 1:
        raise EntraError(700022)
    if not _SCOPE.match(scopes[0]):
        raise EntraError(70011, scope=scopes[0])
    resource, default, rest = scopes[0].rpartition("/.default")
    if not default or rest:
        raise EntraError(1002012, scope=scopes[0])
    return resource
