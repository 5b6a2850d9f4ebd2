"""The way back from `/authorize` to the client: with a code, tokens, or an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from azcred_emulators.authority.context import AuthorityContext
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import user_tokens
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import client_info
from azcred_emulators.authority.issued import AuthorizationCode
from azcred_emulators.authority.sign_in.authorization import AuthorizationRequest
from azcred_emulators.tokens.access import ClientAuthentication, Delegation, SignIn


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the browser goes with which parameters, in the client's `response_mode`."""

    address: str
    parameters: Mapping[str, str] = field(repr=False)
    response_mode: str

    @property
    def url(self) -> str:
        """The address with the parameters, as the modes "query" and "fragment" have it."""
        if self.response_mode == "fragment":
            return f"{self.address}#{urlencode(self.parameters)}"
        return f"{self.address}{'&' if '?' in self.address else '?'}{urlencode(self.parameters)}"


def success(request: AuthorizationRequest, sign_in: SignIn, *, context: AuthorityContext, now: float) -> Redirect:
    """Return the way back to the client with what it asked for: a new code, tokens of the user who signed in."""
    context.issued.sign_in(sign_in)
    parameters = {"code": _code(request, sign_in, context)} if "code" in request.response_types else {}
    if request.response_types - {"code"}:
        parameters |= _tokens(request, sign_in, context, now=now, code=parameters.get("code"))
    user = context.directory.user(sign_in.user_id)
    if user and request.client_info:
        parameters["client_info"] = client_info(user.object_id, user.tenant_id)
    return _back(request, {**parameters, "session_state": sign_in.id})


def failure(request: AuthorizationRequest, error: EntraError) -> Redirect:
    """Return the way back to the client with an error.

    "invalid_grant" is the token endpoint's word (RFC 6749, section 5.2); here, where there is no grant yet, the user
    is denied access.
    """
    name = "access_denied" if error.error == "invalid_grant" else error.error
    return _back(request, {"error": name, "error_description": error.text})


def _back(request: AuthorizationRequest, parameters: Mapping[str, str]) -> Redirect:
    state = {} if request.state is None else {"state": request.state}
    return Redirect(request.redirect_uri, {**parameters, **state}, request.response_mode)


def _code(request: AuthorizationRequest, sign_in: SignIn, context: AuthorityContext) -> str:
    return context.issued.code(
        AuthorizationCode(
            client_id=request.client.client_id,
            tenant=request.tenant_name,
            sign_in=sign_in,
            redirect_uri=request.redirect_uri,
            scope=request.scope,
            resource=request.resource,
            nonce=request.nonce,
            code_challenge=request.code_challenge,
            code_challenge_method=request.code_challenge_method,
            spa=request.platform.spa,
            public=request.platform.public,
        )
    )


def _tokens(
    request: AuthorizationRequest, sign_in: SignIn, context: AuthorityContext, *, now: float, code: str | None
) -> dict[str, str]:
    """Return the tokens that go to the client through the browser, without client authentication."""
    delegation = _delegation(request, sign_in, context, now=now)
    parameters: dict[str, str] = {}
    access_token = None
    if "token" in request.response_types:
        token = context.tokens.delegated(delegation)
        access_token = token.value
        parameters = {
            "access_token": token.value,
            "token_type": "Bearer",
            "expires_in": str(int(token.expires_on - now)),
            "scope": " ".join(user_tokens.written_scopes(delegation, request.access)),
        }
    if "id_token" in request.response_types:
        parameters["id_token"] = context.tokens.id_token(
            delegation,
            version=request.version,
            nonce=request.nonce,
            access_token=access_token,
            code=code,
            email="email" in request.access.openid,
        )
    return parameters


def _delegation(request: AuthorizationRequest, sign_in: SignIn, context: AuthorityContext, *, now: float) -> Delegation:
    token_request = TokenRequest(
        form={},
        server_name=request.cloud.authority_host,
        version=request.version,
        tenant_name=request.tenant_name,
        tenant=request.tenant,
        cloud=request.cloud,
        now=now,
        origin=None,
        context=context,
    )
    return user_tokens.check_delegation(
        token_request,
        request.client,
        request.access,
        sign_in,
        authentication=ClientAuthentication.PUBLIC,
        claims_request=request.claims,
    )
