"""The password grant, which Microsoft calls ROPC: a client that has asked the user for the password itself."""

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.tokens.access import SignIn


def password(request: TokenRequest) -> TokenResponse:
    """Check user name and password, and that nothing more than a password is asked of the user."""
    request.details["provider"] = "environment"
    if request.tenant_name in ("common", "consumers"):
        raise EntraError(9001023)
    client = client_authentication.find_client(request)
    authentication = client_authentication.authenticate_client(request, client, public=client.public_client)
    access = user_tokens.requested_access(request)
    name, secret = request.required("username"), request.required("password")
    user = users.find_by_name(request.directory, name, tenant=request.tenant)
    request.details["identity"] = user.principal_name
    users.check_password(user, secret)
    sign_in = SignIn(user_id=user.object_id, auth_time=request.now)
    delegation = user_tokens.check(request, client, access, sign_in, authentication=authentication)
    return user_tokens.answer(request, delegation, access)
