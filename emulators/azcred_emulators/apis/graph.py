"""Microsoft Graph as far as sign-in goes: who am I, and which groups am I in.

Shapes: "UserInfo endpoint" of the Microsoft identity platform; "Get a user" and "getMemberObjects" of Graph v1.0.
"""

import base64
import json
import uuid
from collections.abc import Mapping, Sequence

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.clouds import graph_names
from azcred_emulators.directory import Directory, User
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.tokens import TokenRejected, Tokens
from azcred_emulators.tokens.claims import GRAPH_APPLICATION_ID, is_revoked, pairwise_subject
from azcred_emulators.tokens.layers import ANOTHER_TEST

HOSTS = graph_names()
_AUDIENCES = (GRAPH_APPLICATION_ID, *(f"https://{host}" for host in HOSTS))
_MESSAGES = {
    "malformed": "CompactToken parsing failed: the access token is empty or no JWT.",
    "signature": "Access token validation failure. Signature is invalid.",
    "issuer": "Access token validation failure. Invalid issuer.",
    "audience": "Access token validation failure. Invalid audience.",
    "expired": "Lifetime validation failed, the token is expired.",
    "not-yet-valid": "Lifetime validation failed, the token is not yet valid.",
    "another-test": f"Access token validation failure. {ANOTHER_TEST}.",
}


class Graph(Emulator):
    """The few answers of Microsoft Graph that sign-in libraries ask for, to the user whose token it is."""

    name = "graph"
    rules: Map = Map(
        [
            Rule("/oidc/userinfo", methods=["GET", "POST"], endpoint="userinfo"),
            Rule("/v1.0/me", methods=["GET"], endpoint="me"),
            Rule("/v1.0/me/getMemberObjects", methods=["POST"], endpoint="groups"),
            Rule("/v1.0/users/<name>/getMemberObjects", methods=["POST"], endpoint="groups"),
        ]
    )

    def __init__(self, directory: Directory, tokens: Tokens) -> None:
        self._directory = directory
        self._tokens = tokens

    def serves(self, host: str, path: str) -> bool:
        """Serve Graph's host names in every cloud."""
        return host.lower() in HOSTS

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer the user whose token it is, about that user."""
        request.details.update(operation=endpoint, resource="https://graph.microsoft.com")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = ""
        try:
            tenant_ids = [tenant.id for tenant in self._directory.tenants()]
            claims = self._tokens.check(token.strip(), audiences=_AUDIENCES, tenant_ids=tenant_ids)
        except TokenRejected as rejected:
            return self._error_response(request, 401, "InvalidAuthenticationToken", _MESSAGES[rejected.reason])
        request.details.update(client_id=claims.get("appid"), tenant=claims.get("tid"))
        user = self._directory.user(str(claims.get("oid")))
        if "scp" not in claims or user is None:
            message = "/me request is only valid with delegated authentication flow."
            return self._error_response(request, 400, "BadRequest", message)
        if is_revoked(claims, user):
            return self._challenge(request, user)
        request.details["identity"] = user.principal_name
        scopes = claims["scp"].split()
        if endpoint == "userinfo":
            return json_response(userinfo(user, scopes, client_id=str(claims.get("appid"))))
        if not any(scope.startswith(("User.Read", "Directory.Read")) for scope in scopes):
            return self._error_response(
                request, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
            )
        if endpoint == "me":
            return json_response(profile(user))
        if values.get("name", "me").lower() not in ("me", user.object_id.lower(), user.principal_name.lower()):
            return self._error_response(request, 404, "Request_ResourceNotFound", "The resource does not exist.")
        return json_response({"value": list(user.member_of)})

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what HTTP rules out."""
        return self._error_response(request, error.code or 400, "BadRequest", f"{error.name}: {request.path}")

    def _challenge(self, request: Request, user: User) -> Response:
        since = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(user.tokens_valid_from))}}})
        response = self._error_response(
            request, 401, "InvalidAuthenticationToken", "Continuous access evaluation resulted in challenge."
        )
        response.headers["WWW-Authenticate"] = (
            'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
            f'error="insufficient_claims", claims="{base64.b64encode(since.encode()).decode()}"'
        )
        return response

    def _error_response(self, request: Request, status: int, code: str, message: str) -> Response:
        request.details["error"] = f"{code}: {message}"
        inner = {"request-id": str(uuid.uuid4()), "client-request-id": str(uuid.uuid4())}
        body = {"error": {"code": code, "message": message, "innerError": inner}}
        headers = {"WWW-Authenticate": 'Bearer realm=""'} if status == 401 else None
        return json_response(body, status=status, headers=headers)


def userinfo(user: User, scopes: Sequence[str], *, client_id: str) -> dict[str, object]:
    """Return the claims of OpenID Connect's UserInfo; `sub` is that of the client's id tokens."""
    claims: dict[str, object] = {"sub": pairwise_subject(user, client_id)}
    if "profile" in scopes:
        claims |= {"name": user.name, "family_name": user.surname, "given_name": user.given_name}
        claims["picture"] = "https://graph.microsoft.com/v1.0/me/photo/$value"
    if "email" in scopes and user.mail:
        claims["email"] = user.mail
    return {name: value for name, value in claims.items() if value}


def profile(user: User) -> dict[str, object]:
    """Return the properties of a user that Graph gives by default."""
    return {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "businessPhones": [],
        "displayName": user.name,
        "givenName": user.given_name or None,
        "jobTitle": None,
        "mail": user.mail or None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": user.surname or None,
        "userPrincipalName": user.principal_name,
        "id": user.object_id,
    }
