"""The password grant, which Microsoft calls ROPC: a client that has asked the user for the password itself."""

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import User
from azcred_emulators.tokens.access import SignIn


def _respond(request: TokenRequest) -> TokenResponse:
    """Check user name and password, and that nothing more than a password is asked of the user."""
    if request.tenant_name in ("common", "consumers"):
        raise EntraError(9001023)
    client = client_authentication.find_client(request)
    authentication = client_authentication.authenticate_client(request, client, public=client.public_client)
    access = request.requested_access()
    request.required("username")
    password = request.required("password")
    user = _user(request)
    users.check_password(user, password)
    sign_in = SignIn(user_id=user.object_id, auth_time=request.now)
    delegation = user_tokens.check_delegation(request, client, access, sign_in, authentication=authentication)
    return user_tokens.respond(request, delegation, access)


def _user(request: TokenRequest) -> User:
    return users.find_by_name(request.directory, request.required("username"), tenant=request.tenant)


PASSWORD = Grant(respond=_respond, user=_user, provider=lambda _: "environment")
