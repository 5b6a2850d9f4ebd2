"""Clients at the token service: which application it is, and the proof that it gives of that."""

import hmac

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import agent_identities, client_assertions
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.directory import Application, Directory, Principal, Tenant
from azcred_emulators.serving.urls import split_url
from azcred_emulators.tokens.access import ClientAuthentication


def find_application(directory: Directory, client_id: str, *, tenant: Tenant | None, shared_name: str) -> Application:
    """Return the application through which a user signs in at a tenant, None for a name that several share.

    Raises EntraError if there is none, it is disabled, or it is only for its own tenant.
    """
    application = directory.principal(client_id)
    here = tenant.name if tenant else shared_name
    if not isinstance(application, Application):
        raise EntraError(700016, client=client_id, tenant=here)
    if not application.multi_tenant:
        if tenant is None:
            raise EntraError(50194, client=application.client_id, name=application.name)
        if application.tenant_id.lower() != tenant.id.lower():
            raise EntraError(700016, client=client_id, tenant=here)
    if not application.enabled:
        raise EntraError(7000112, client=application.client_id, name=application.name)
    return application


def find_client(request: TokenRequest) -> Application:
    """Return the application that asks for a user's token; raises EntraError if it cannot."""
    return find_application(
        request.directory, request.required("client_id"), tenant=request.tenant, shared_name=request.tenant_name
    )


def check_repetition(request: TokenRequest) -> None:
    """Raise EntraError if the client asks for the same again and again, as a client does that caches no token.

    A device that polls does so by design, and what differs by design, such as a code, makes no difference.
    """
    grant, client = request.form["grant_type"], request.directory.principal(request.form.get("client_id", ""))
    if not isinstance(client, Application) or client.maximum_repetitions is None or "device_code" in grant:
        return
    named = [request.form.get(name, "") for name in ("scope", "resource", "username", "refresh_token", "assertion")]
    key = "\n".join([request.tenant_name, client.client_id, grant, *named])
    if request.context.issued.count_request(key) > client.maximum_repetitions:
        raise EntraError(50196)


def authenticate_client(request: TokenRequest, application: Application, *, public: bool) -> ClientAuthentication:
    """Check the client's secret or assertion; a `public` client needs none. Raises EntraError."""
    if request.form.get("client_secret") or request.form.get("client_assertion"):
        return authenticate_confidential_client(request, application)
    if not public:
        raise EntraError(7000218)
    return ClientAuthentication.PUBLIC


def authenticate_confidential_client(request: TokenRequest, principal: Principal) -> ClientAuthentication:
    """Check the secret or assertion in the request; raises EntraError if there is none or it is wrong."""
    secret, encoded = request.form.get("client_secret"), request.form.get("client_assertion")
    if not secret and not encoded:
        raise EntraError(7000216)
    if isinstance(principal, Application) and principal.public_client and not has_credentials(principal):
        raise EntraError(700025)
    if secret:
        _check_secret(principal, secret, request.now)
        return ClientAuthentication.SECRET
    if request.required("client_assertion_type") != client_assertions.TYPE:
        raise EntraError(90023, reason="The provided client_assertion_type is not supported.")
    assertion = client_assertions.read(request.form["client_assertion"])
    if assertion.federated:
        credentials = principal.federated_credentials
        if isinstance(principal, Application):
            credentials += agent_identities.credential_of(principal, request.cloud)
        client_assertions.verify_federated(assertion, credentials, keys_of=request.context.keys_of, now=request.now)
        return ClientAuthentication.CERTIFICATE
    if not isinstance(principal, Application):
        raise EntraError(700027, reason=client_assertions.NOT_REGISTERED)
    client_assertions.verify_certificate(
        assertion, principal, is_own_address=lambda address: _is_own_address(request, address), now=request.now
    )
    if principal.single_use_assertions and not request.context.issued.use_assertion(
        principal.client_id, str(assertion.claims.get("jti")), float(assertion.claims["exp"]) + client_assertions.SKEW
    ):
        raise EntraError(700027, reason="Client assertion was used before: its jti claim must be unique.")
    return ClientAuthentication.CERTIFICATE


def has_credentials(application: Application) -> bool:
    """Tell whether the application has any way to prove who it is."""
    return bool(
        application.secrets
        or application.certificates
        or application.trusted_subjects
        or application.federated_credentials
    )


def _check_secret(principal: Principal, secret: str, now: float) -> None:
    """Compare with every secret of the application; expired secrets and wrong ones have different codes."""
    secrets = principal.secrets if isinstance(principal, Application) else ()
    matching = [item for item in secrets if hmac.compare_digest(item.value.encode(), secret.encode())]
    if any((item.starts or now) <= now and (item.expires is None or now < item.expires) for item in matching):
        return
    expired = any(item.expires is not None and item.expires <= now for item in matching)
    raise EntraError(7000222 if expired else 7000215, client=principal.client_id)


def _is_own_address(request: TokenRequest, address: str) -> bool:
    """Tell whether an assertion's audience is this endpoint's tenant or issuer, however it is spelt."""
    parts = split_url(address)
    segment = parts.path.strip("/").split("/")[0]
    hosts = {request.server_name, *request.cloud.aliases}
    if parts.scheme != "https" or (parts.hostname or "") not in hosts:
        return False
    if request.tenant is None:
        return segment.lower() == request.tenant_name
    return request.directory.tenant(segment) == request.tenant
