"""Authorization requests: what a client asks of `/authorize`, checked.

The sign-in pages use this. A page reads the request with `read`. An EntraError that `read` raises is shown on the
page, because there is no address to trust. Everything else goes to the `redirect_uri`, by `authorization_response`:
the request's own `error` or another, or a code and tokens once a user has signed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from azcred_emulators.authority import users
from azcred_emulators.authority.context import AuthorityContext
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, conditional_access, consent, scopes, user_tokens
from azcred_emulators.authority.grants.scopes import Access
from azcred_emulators.authority.grants.token_request import ClaimsRequest, read_claims
from azcred_emulators.authority.redirect_uris import Platform, platform_of
from azcred_emulators.authority.sign_in import response_types
from azcred_emulators.authority.sign_in.response_types import RESPONSE_MODES
from azcred_emulators.clouds import PUBLIC, Cloud
from azcred_emulators.directory import Application, Directory, Tenant, User
from azcred_emulators.tokens.access import SignIn

PROMPTS = ("login", "none", "consent", "select_account", "create", "admin_consent")
_CHALLENGE_METHODS = ("plain", "S256")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """What a person is asked to sign in to: a client, and what it wants to access.

    `tenant` is None where `tenant_name` is one of the shared names, else that is the tenant's GUID. The prompt and
    the hints are those of OpenID Connect; a device has none of them.
    """

    tenant_name: str
    tenant: Tenant | None
    client: Application
    access: Access
    prompt: str = ""
    login_hint: str = ""
    domain_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest(SignInRequest):
    """A request to `/authorize` whose client and redirect URI are right.

    `response_types` are those of "code", "id_token" and "token" that the client wants. `error` is what is wrong with
    the rest, for the client to be told; `access` is then not to be relied on.
    """

    version: int
    redirect_uri: str
    platform: Platform
    response_mode: str
    state: str | None
    scope: str
    resource: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str
    client_info: bool
    claims: ClaimsRequest
    response_types: frozenset[str] = response_types.CODE
    cloud: Cloud = PUBLIC
    error: EntraError | None = None


def read(
    parameters: Mapping[str, str],
    *,
    directory: Directory,
    version: int,
    tenant_name: str,
    tenant: Tenant | None,
    cloud: Cloud = PUBLIC,
) -> AuthorizationRequest:
    """Read the parameters of a request to `/authorize`.

    Raises EntraError if the client or its redirect URI is not right, so that the browser must not be sent there.
    """
    client_id, address = parameters.get("client_id"), parameters.get("redirect_uri")
    if not client_id:
        raise EntraError(900144, parameter="client_id")
    client = client_authentication.find_application(directory, client_id, tenant=tenant, shared_name=tenant_name)
    registered = client.redirect_uris or client.spa_redirect_uris
    address = address or (registered[0] if registered else "")
    platform = platform_of(client, address)
    if platform is None:
        raise EntraError(50011, address=address, client=client.client_id)
    claims_request, error = ClaimsRequest(), None
    access = Access(resource=scopes.GRAPH)
    try:
        access = _access(parameters, version)
        claims_request = read_claims(parameters.get("claims"))
        _check(parameters, client, platform, access)
    except EntraError as problem:
        error = problem
    types = response_types.read(parameters)
    usual = response_types.usual_mode(types)
    mode = parameters.get("response_mode") or usual
    return AuthorizationRequest(
        version=version,
        tenant_name=tenant_name,
        tenant=tenant,
        client=client,
        redirect_uri=address,
        platform=platform,
        response_mode=mode if response_types.carries(mode, types) else usual,
        state=parameters.get("state"),
        access=access,
        scope=parameters.get("scope") or "",
        resource=parameters.get("resource") or "",
        nonce=parameters.get("nonce"),
        code_challenge=parameters.get("code_challenge") or None,
        code_challenge_method=parameters.get("code_challenge_method") or "plain",
        prompt=parameters.get("prompt") or "",
        login_hint=parameters.get("login_hint") or "",
        domain_hint=parameters.get("domain_hint") or "",
        client_info=parameters.get("client_info") == "1",
        claims=claims_request,
        response_types=types,
        cloud=cloud,
        error=error,
    )


def check_sign_in(request: SignInRequest, sign_in: SignIn, *, context: AuthorityContext, now: float) -> User:
    """Return the user who signed in; raises EntraError if they may not, or must do more than they did.

    The codes that a page can do something about: 50072, 50074 and 50078 (ask for the second factor; its `amr` is
    "mfa"), 70044 (ask for the password again), 65001 (ask for consent and record it with `Directory.consent`).
    """
    directory, client, access = context.directory, request.client, request.access
    user = users.find_user(directory, sign_in.user_id, tenant=request.tenant)
    users.check_state(user)
    tenant = users.tenant_of(
        directory, user, tenant=request.tenant, tenant_name=request.tenant_name, client_id=client.client_id
    )
    target = user_tokens.check_resource(directory, tenant, client, access.resource)
    conditional_access.check_user(
        directory, tenant, user, sign_in, resource=access.resource, target=target, now=now, interactive=True
    )
    user_tokens.check_assignments(directory, user, client, target)
    consent.granted_scopes(client, user, access, target)
    return user


def _access(parameters: Mapping[str, str], version: int) -> Access:
    if version == 1:
        return scopes.read_resource(parameters.get("resource") or scopes.GRAPH, parameters.get("scope") or "")
    if parameters.get("resource"):
        raise EntraError(901002)
    if not parameters.get("scope"):
        raise EntraError(900144, parameter="scope")
    return scopes.read_scope(parameters["scope"])


def _check(parameters: Mapping[str, str], client: Application, platform: Platform, access: Access) -> None:
    response_types.check(parameters, client, access)
    if (parameters.get("response_mode") or "query") not in RESPONSE_MODES:
        raise EntraError(90023, reason="The response_mode is not supported.")
    if (parameters.get("code_challenge_method") or "plain") not in _CHALLENGE_METHODS:
        raise EntraError(90023, reason="The code_challenge_method is not supported.")
    if any(word not in PROMPTS for word in (parameters.get("prompt") or "").split()):
        raise EntraError(90023, reason="The prompt is not supported.")
    if platform.spa and "code" in response_types.read(parameters) and not parameters.get("code_challenge"):
        raise EntraError(9002325)
