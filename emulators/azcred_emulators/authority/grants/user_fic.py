"""The user_fic grant: an agent identity acts for the user account that is its own.

The client assertion is its blueprint's token (see `agent_identities`); the user's federated identity credential is the
agent's own token for the exchange. Source: as there. The codes of refusals here are not published, so those of other
assertions are used.
"""

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import Application, User
from azcred_emulators.directory.entities import TOKEN_EXCHANGE_APPLICATION_ID
from azcred_emulators.tokens import TokenRejected
from azcred_emulators.tokens.access import SignIn
from azcred_emulators.tokens.layers import ANOTHER_TEST


def _respond(request: TokenRequest) -> TokenResponse:
    """Check that the agent proves who it is, twice, and that the user account is its own."""
    client = client_authentication.find_client(request)
    authentication = client_authentication.authenticate_client(request, client, public=False)
    access = request.requested_access()
    _check_own_token(request, client)
    user = _user(request)
    if user.agent_identity is None or user.agent_identity.lower() != client.client_id.lower():
        raise EntraError(50013, reason="The user is no account of the agent identity.")
    sign_in = SignIn(user_id=user.object_id, auth_time=request.now)
    delegation = user_tokens.check_delegation(request, client, access, sign_in, authentication=authentication)
    return user_tokens.respond(request, delegation, access)


def _check_own_token(request: TokenRequest, client: Application) -> None:
    value = request.required("user_federated_identity_credential")
    try:
        claims = request.tokens.check(value, audiences=(TOKEN_EXCHANGE_APPLICATION_ID,))
    except TokenRejected as rejected:
        if rejected.reason == "malformed":
            raise EntraError(50027) from rejected
        if rejected.reason in ("expired", "not-yet-valid"):
            raise EntraError(500133, reason="The federated identity credential is not within its time.") from rejected
        if rejected.reason == "another-test":
            raise EntraError(50013, reason=f"{ANOTHER_TEST}.") from rejected
        raise EntraError(
            50013, reason=f"The federated identity credential has a wrong {rejected.reason}."
        ) from rejected
    if str(claims.get("azp")).lower() != client.client_id.lower() or claims.get("sub") != client.object_id:
        raise EntraError(50013, reason="The federated identity credential is not the agent identity's own token.")


def _user(request: TokenRequest) -> User:
    if request.form.get("user_id"):
        return users.find_user(request.directory, request.form["user_id"], tenant=request.tenant)
    return users.find_by_name(request.directory, request.required("username"), tenant=request.tenant)


USER_FIC = Grant(respond=_respond, user=_user)
