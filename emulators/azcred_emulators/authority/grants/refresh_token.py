"""The refresh token grant: a client goes on without the user, for the same resource or another.

A refresh token is spent when it is used. Entra ID itself leaves used ones valid and tells clients to delete them;
an application with `reusable_refresh_tokens` is treated so.
"""

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.issued import RefreshToken
from azcred_emulators.directory import Application


def refresh_token(request: TokenRequest) -> TokenResponse:
    """Check that the token is this client's and not revoked, spend it, and give a new one."""
    client = client_authentication.find_client(request)
    issued = request.context.issued
    value = request.required("refresh_token")
    held = issued.find_refresh_token(value)
    _check_binding(request, client, held)
    authentication = client_authentication.authenticate_client(request, client, public=held.public)
    user = request.directory.user(held.sign_in.user_id)
    if user and held.issued < user.tokens_valid_from:
        raise EntraError(50173)
    access = user_tokens.requested_access(request, scope=held.scope, resource=held.resource)
    delegation = user_tokens.check(request, client, access, held.sign_in, authentication=authentication, renewal=True)
    if not client.reusable_refresh_tokens:
        issued.spend_refresh_token(value)
    return user_tokens.answer(request, delegation, access, offline=True, previous=held)


def _check_binding(request: TokenRequest, client: Application, held: RefreshToken) -> None:
    if held.client_id.lower() != client.client_id.lower() and not (held.family and client.family):
        raise EntraError(
            70000,
            suberror="client_mismatch" if held.family else "bad_token",
            reason="The refresh token was issued to another client.",
        )
    if held.spa and not request.origin:
        raise EntraError(9002327)
    if request.origin and not held.spa:
        raise EntraError(9002326)
