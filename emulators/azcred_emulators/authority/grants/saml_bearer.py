"""The SAML bearer grant: a client brings the assertion by which a federated domain's AD FS says who has signed in.

Source: RFC 7522; "Microsoft identity platform and OAuth 2.0 SAML bearer assertion flow"; msal 1.39 as the client.
"""

import base64
import binascii

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import User
from azcred_emulators.tokens import saml_assertions
from azcred_emulators.tokens.access import SignIn
from azcred_emulators.tokens.saml_assertions import SamlAssertion

_SKEW = 300  # seconds that the two clocks may differ


def _respond(request: TokenRequest) -> TokenResponse:
    """Check that a federated domain vouches for the user, and that nothing more is asked of them."""
    client = client_authentication.find_client(request)
    authentication = client_authentication.authenticate_client(request, client, public=client.public_client)
    access = request.requested_access()
    _check(request, _assertion(request))
    user = _user(request)
    sign_in = SignIn(user_id=user.object_id, auth_time=request.now)
    delegation = user_tokens.check_delegation(request, client, access, sign_in, authentication=authentication)
    return user_tokens.respond(request, delegation, access)


def _assertion(request: TokenRequest) -> SamlAssertion:
    """Read the assertion; nothing in it is checked yet."""
    encoded = request.required("assertion")
    try:
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        return saml_assertions.read(text)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise EntraError(50008, reason="It cannot be read.") from error


def _check(request: TokenRequest, assertion: SamlAssertion) -> None:
    key = request.context.federation_key(assertion.issuer)
    if key is None:
        raise EntraError(50107, issuer=assertion.issuer)
    if not assertion.is_signed_by(key):
        raise EntraError(50006)
    if assertion.audience != saml_assertions.ENTRA_ID:
        raise EntraError(50008, reason="It is for another audience.")
    if not assertion.not_before - _SKEW <= request.now < assertion.not_on_or_after + _SKEW:
        raise EntraError(50008, reason="It is not within its valid time range.")


def _user(request: TokenRequest) -> User:
    """Return the user whom the assertion names, who must be of the domain whose AD FS has issued it."""
    assertion = _assertion(request)
    user = request.directory.user(assertion.upn)
    domain = assertion.upn.rpartition("@")[2].lower()
    if (
        user is None
        or user.principal_name.lower() != assertion.upn.lower()
        or f"//sts.{domain}/" not in assertion.issuer
    ):
        raise EntraError(
            51004, user=assertion.upn, tenant=request.tenant.name if request.tenant else "Microsoft Entra ID"
        )
    return user


SAML_BEARER = Grant(respond=_respond, user=_user, provider=lambda _: "environment")
