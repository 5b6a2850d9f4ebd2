"""The on-behalf-of grant: an API exchanges the token that a user's client sent it for one to another API.

Source: "Microsoft identity platform and OAuth 2.0 On-Behalf-Of flow".
"""

from collections.abc import Mapping
from typing import Any

import jwt

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import Application, User
from azcred_emulators.tokens import TokenRejected, received
from azcred_emulators.tokens.access import SignIn
from azcred_emulators.tokens.layers import ANOTHER_TEST

_REASONS = {
    "signature": "Assertion failed signature validation.",
    "issuer": "Assertion issuer is not a tenant of Entra ID.",
    "audience": "Assertion audience does not match the Client app presenting the assertion.",
    "another-test": f"{ANOTHER_TEST}.",
}
_TIMES = {"expired": "The assertion has expired.", "not-yet-valid": "The assertion is not yet valid."}
# What Entra ID says differently when there is no user at hand whom the client could ask at once.
_INTERACTION = {50072, 50074, 50076, 50078, 50079, 53000, 53001, 53003}


def _respond(request: TokenRequest) -> TokenResponse:
    """Check the user's token as the API it is for should have, and give one for the next API."""
    if request.form.get("requested_token_use") != "on_behalf_of":
        raise EntraError(900144, parameter="requested_token_use")
    client = client_authentication.find_client(request)
    authentication = client_authentication.authenticate_client(request, client, public=False)
    access = request.requested_access()
    claims = _assertion(request, client)
    sign_in = _sign_in(request, claims)
    try:
        delegation = user_tokens.check_delegation(request, client, access, sign_in, authentication=authentication)
    except EntraError as error:
        if error.code in _INTERACTION:
            error.error = "interaction_required"
        raise
    if delegation.tenant_id.lower() != str(claims["tid"]).lower():
        raise EntraError(50013, reason=_REASONS["issuer"])
    return user_tokens.respond(request, delegation, access)


def _user(request: TokenRequest) -> User | None:
    """Return the user whom the assertion names; nothing in it is checked."""
    try:
        claims = received.read(request.required("assertion")).claims
    except jwt.InvalidTokenError:
        return None
    return request.directory.user(str(claims.get("oid")))


def _sign_in(request: TokenRequest, claims: Mapping[str, Any]) -> SignIn:
    """Return the sign-in behind a token; one that a test has minted may have none."""
    user_id, methods = str(claims["oid"]), claims.get("amr")
    remembered = request.context.issued.find_sign_in(str(claims.get("sid")))
    if remembered and remembered.user_id.lower() == user_id.lower():
        return remembered
    amr = tuple(str(method) for method in methods) if isinstance(methods, list) else ("pwd",)
    return SignIn(user_id=user_id, auth_time=request.now, amr=amr)


def _assertion(request: TokenRequest, client: Application) -> Mapping[str, Any]:
    try:
        claims = request.tokens.check(request.required("assertion"), audiences=client.resource_names)
    except TokenRejected as rejected:
        if rejected.reason == "malformed":
            raise EntraError(50027) from rejected
        if rejected.reason in _TIMES:
            raise EntraError(500133, reason=_TIMES[rejected.reason]) from rejected
        raise EntraError(50013, reason=_REASONS[rejected.reason]) from rejected
    if "scp" not in claims or not isinstance(claims.get("oid"), str):
        raise EntraError(7000114, client=client.client_id)
    return claims


ON_BEHALF_OF = Grant(respond=_respond, user=_user)
