"""The client credentials grant: an application or managed identity acts for itself."""

import hmac
import re

from azcred_emulators.authority import assertions
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.token_request import TokenRequest
from azcred_emulators.directory import Application, Principal
from azcred_emulators.resources import is_known_resource
from azcred_emulators.tokens import ClientAuthentication, Token
from azcred_emulators.urls import split_url

_SCOPE = re.compile(r"^[A-Za-z0-9_\-.:/]+$")


def client_credentials(request: TokenRequest) -> Token:
    """Authenticate the client and mint its token for the one resource it asks for."""
    client_id = request.required("client_id")
    resource = _resource(request)
    principal = request.directory.principal(client_id)
    if principal is None or principal.tenant_id != request.tenant.id:
        raise EntraError(700016, client=client_id, tenant=request.tenant.name)
    request.details.update(client_id=principal.client_id, identity=principal.name, resource=resource)
    authentication = _authenticate(request, principal)
    if not is_known_resource(resource, request.directory):
        raise EntraError(500011, resource=resource, tenant=request.tenant.name)
    return request.tokens.app_only(
        principal,
        resource,
        authentication=authentication,
        cloud=request.cloud,
        target=request.directory.application_for_resource(resource),
    )


def _resource(request: TokenRequest) -> str:
    """Return the resource of the v1 parameter `resource`, or of the v2 scope `<resource>/.default`."""
    if request.version == 1:
        return request.required("resource")
    if request.form.get("resource"):
        raise EntraError(901002)
    scopes = request.required("scope").split()
    request.details["scope"] = " ".join(scopes)
    if len(scopes) != 1:
        raise EntraError(700022)
    if not _SCOPE.match(scopes[0]):
        raise EntraError(70011, scope=scopes[0])
    resource, default, rest = scopes[0].rpartition("/.default")
    if not default or rest:
        raise EntraError(1002012, scope=scopes[0])
    return resource


def _authenticate(request: TokenRequest, principal: Principal) -> ClientAuthentication:
    if secret := request.form.get("client_secret"):
        request.details["provider"] = "environment"
        _check_secret(request, principal, secret)
        return ClientAuthentication.SECRET
    if not request.form.get("client_assertion"):
        raise EntraError(7000216)
    if request.required("client_assertion_type") != assertions.TYPE:
        raise EntraError(90023, reason="The provided client_assertion_type is not supported.")
    assertion = assertions.read(request.form["client_assertion"])
    if assertion.federated:
        request.details["provider"] = "workload-identity"
        assertions.verify_federated(assertion, principal, keys_of=request.keys_of, now=request.now)
    else:
        request.details["provider"] = "environment"
        if not isinstance(principal, Application):
            raise EntraError(
                700027,
                reason="The certificate with identifier used to sign the client assertion is not registered on "
                "application.",
            )
        assertions.verify_certificate(
            assertion,
            principal,
            is_own_address=lambda address: _is_own_address(request, address),
            now=request.now,
        )
    return ClientAuthentication.CERTIFICATE


def _check_secret(request: TokenRequest, principal: Principal, secret: str) -> None:
    """Compare with every secret of the application; the expired are told from the wrong, as in Entra ID."""
    held = principal.secrets if isinstance(principal, Application) else ()
    matching = [one for one in held if hmac.compare_digest(one.value.encode(), secret.encode())]
    valid = [
        one
        for one in matching
        if (one.starts is None or one.starts <= request.now) and (one.expires is None or request.now < one.expires)
    ]
    if valid:
        return
    expired = any(one.expires is not None and one.expires <= request.now for one in matching)
    raise EntraError(7000222 if expired else 7000215, client=principal.client_id)


def _is_own_address(request: TokenRequest, address: str) -> bool:
    """Tell whether an assertion's audience is this tenant's token endpoint or issuer, however it is spelt."""
    parts = split_url(address)
    segments = parts.path.strip("/").split("/")
    hosts = {request.server_name, *request.cloud.aliases}
    return (
        parts.scheme == "https"
        and (parts.hostname or "") in hosts
        and request.directory.tenant(segments[0]) == request.tenant
    )
