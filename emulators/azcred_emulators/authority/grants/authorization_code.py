"""The authorization code grant: a client redeems the code that a signed-in user's browser brought it.

Source: RFC 6749, RFC 7636 (PKCE); "Microsoft identity platform and OAuth 2.0 authorization code flow".
"""

import base64
import hashlib
import hmac

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.scopes import read_scope
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.issued import AuthorizationCode
from azcred_emulators.directory import Application


def authorization_code(request: TokenRequest) -> TokenResponse:
    """Check that the code comes back from whom it was for, with all that belongs to it, and spend it."""
    client = client_authentication.find_client(request)
    issued = request.context.issued
    value = request.required("code")
    code = issued.find_code(value)
    if code.public:
        request.details["provider"] = "interactive-browser"
    _check_binding(request, client, code)
    authentication = client_authentication.authenticate_client(request, client, public=code.public or code.spa)
    _check_pkce(request, code)
    access = user_tokens.requested_access(request, scope=code.scope, resource=code.resource)
    delegation = user_tokens.check(request, client, access, code.sign_in, authentication=authentication)
    issued.redeem_code(value)
    offline = access.offline or (request.version == 2 and read_scope(code.scope).offline)
    return user_tokens.answer(request, delegation, access, offline=offline, nonce=code.nonce, spa=code.spa)


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
    """Compare verifier and challenge; one without the other is no match either."""
    verifier = request.form.get("code_verifier") or ""
    if not verifier and not code.code_challenge:
        return
    expected = verifier
    if code.code_challenge_method == "S256":
        expected = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not verifier or not hmac.compare_digest(expected.encode(), (code.code_challenge or "").encode()):
        raise EntraError(501481)
