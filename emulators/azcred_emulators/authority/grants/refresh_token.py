"""The refresh token grant: a client goes on without the user, for the same resource or another.

A refresh token is spent when it is used. Entra ID itself leaves used ones valid and tells clients to delete them;
an application with `reusable_refresh_tokens` is treated so.
"""

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, user_tokens
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.scopes import Access
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.issued import RefreshToken
from azcred_emulators.directory import Application, User


def _respond(request: TokenRequest) -> TokenResponse:
    """Check that the token is this client's and not revoked, spend it, and give a new one."""
    client = client_authentication.find_client(request)
    token = _token(request)
    _check_binding(request, client, token)
    authentication = client_authentication.authenticate_client(request, client, public=token.public)
    user = request.directory.user(token.sign_in.user_id)
    if user and token.issued < user.tokens_valid_from:
        raise EntraError(50173)
    access = _access(request)
    delegation = user_tokens.check_delegation(
        request, client, access, token.sign_in, authentication=authentication, renewal=True
    )
    if not client.reusable_refresh_tokens:
        request.context.issued.spend_refresh_token(request.required("refresh_token"))
    return user_tokens.respond(request, delegation, access, offline=True, previous=token)


def _token(request: TokenRequest) -> RefreshToken:
    return request.context.issued.find_refresh_token(request.required("refresh_token"))


def _user(request: TokenRequest) -> User:
    return users.find_user(request.directory, _token(request).sign_in.user_id, tenant=request.tenant)


def _access(request: TokenRequest) -> Access:
    token = _token(request)
    return request.requested_access(scope=token.scope, resource=token.resource)


def _check_binding(request: TokenRequest, client: Application, token: RefreshToken) -> None:
    if token.client_id.lower() != client.client_id.lower() and not (token.family and client.family):
        raise EntraError(
            70000,
            suberror="client_mismatch" if token.family else "bad_token",
            reason="The refresh token was issued to another client.",
        )
    if token.spa and not request.origin:
        raise EntraError(9002327)
    if request.origin and not token.spa:
        raise EntraError(9002326)


REFRESH_TOKEN = Grant(respond=_respond, user=_user, access=_access)
