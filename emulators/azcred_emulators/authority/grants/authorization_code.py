"""The authorization code grant: a client redeems the code that a signed-in user's browser brought it.

Source: RFC 6749, RFC 7636 (PKCE); "Microsoft identity platform and OAuth 2.0 authorization code flow".
"""

import base64
import hashlib
import hmac
import re

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.scopes import Access, read_scope
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.issued import AuthorizationCode
from azcred_emulators.directory import Application, User

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, section 4.1


def _respond(request: TokenRequest) -> TokenResponse:
    """Check that the code comes back from the client that it was for, with all that belongs to it, and spend it."""
    client = client_authentication.find_client(request)
    code = _code(request)
    _check_binding(request, client, code)
    authentication = client_authentication.authenticate_client(request, client, public=code.public or code.spa)
    _check_pkce(request, code)
    access = _access(request)
    delegation = user_tokens.check_delegation(request, client, access, code.sign_in, authentication=authentication)
    request.context.issued.redeem_code(request.required("code"))
    offline = access.offline or (request.version == 2 and read_scope(code.scope).offline)
    return user_tokens.respond(request, delegation, access, offline=offline, nonce=code.nonce, spa=code.spa)


def _code(request: TokenRequest) -> AuthorizationCode:
    return request.context.issued.find_code(request.required("code"))


def _user(request: TokenRequest) -> User:
    return users.find_user(request.directory, _code(request).sign_in.user_id, tenant=request.tenant)


def _provider(request: TokenRequest) -> str | None:
    return "interactive-browser" if _code(request).public else None


def _access(request: TokenRequest) -> Access:
    code = _code(request)
    return request.requested_access(scope=code.scope, resource=code.resource)


def _check_binding(request: TokenRequest, client: Application, code: AuthorizationCode) -> None:
    if code.client_id.lower() != client.client_id.lower():
        raise EntraError(70000, reason="The authorization code was issued to another client.")
    if code.tenant.lower() != request.tenant_name.lower():
        raise EntraError(700005)
    address = request.required("redirect_uri")
    if address != code.redirect_uri:
        raise EntraError(500112, address=address)
    if request.origin and not code.spa:
        raise EntraError(9002326)
    if code.spa and not request.origin:
        raise EntraError(9002327)
    if code.spa and not code.code_challenge:
        raise EntraError(9002325)


def _check_pkce(request: TokenRequest, code: AuthorizationCode) -> None:
    """Compare verifier and challenge; one without the other is no match either, nor is one that is no verifier."""
    verifier = request.form.get("code_verifier") or ""
    if not verifier and not code.code_challenge:
        return
    expected = verifier
    if code.code_challenge_method == "S256":
        expected = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(
        expected.encode(), (code.code_challenge or "").encode()
    ):
        raise EntraError(501481)


AUTHORIZATION_CODE = Grant(respond=_respond, user=_user, provider=_provider, access=_access)
