"""The token service of an AD FS itself, which clients address as the tenant "adfs" of its host.

Source: "AD FS OpenID Connect/OAuth flows and Application Scenarios"; msal 1.39 as the client; the MSIS errors of AD FS.
"""

import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.directory import Application, Directory, Tenant
from azcred_emulators.serving.urls import split_url
from azcred_emulators.tokens.keys import SigningKey

LIFETIME = 3600  # seconds
_METHOD = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/"
_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


class _Refused(Exception):
    """A request that AD FS refuses."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


_NO_CLIENT = _Refused(
    "invalid_client",
    "MSIS9223: Received invalid OAuth access token request. The received 'client_id' is invalid as no registered "
    "client was found with this client identifier. Make sure that the client is registered.",
)
_NO_PROOF = _Refused(
    "invalid_client",
    "MSIS9622: Client authentication failed. Please verify the credential provided for client authentication is valid.",
)
_NO_GRANT = _Refused(
    "unsupported_grant_type", "MSIS9611: The authorization server does not support the requested 'grant_type'."
)
_NO_USER = _Refused("invalid_grant", "MSIS9659: Invalid 'username' or 'password'.")


def configuration(base_url: str) -> dict[str, object]:
    """Return the OpenID configuration."""
    root = f"{base_url}/adfs"
    return {
        "issuer": root,
        "authorization_endpoint": f"{root}/oauth2/authorize/",
        "token_endpoint": f"{root}/oauth2/token/",
        "jwks_uri": f"{root}/discovery/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
        "grant_types_supported": ["client_credentials", "password"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "scopes_supported": ["openid"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "access_token_issuer": root.replace("https:", "http:") + "/services/trust",
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a token to the AD FS called `host`; `now` is epoch seconds, `details` is for the journal."""

    form: Mapping[str, str] = field(repr=False)
    host: str
    tenant: Tenant
    directory: Directory
    key: SigningKey
    now: float
    details: dict[str, object]

    def sign(self, client: Application, **claims: object) -> str:
        """Return a token with these claims and those that every token here has."""
        return self.key.sign(
            {
                "aud": self.resource,
                "iss": f"http://{self.host}/adfs/services/trust",
                "iat": int(self.now),
                "nbf": int(self.now),
                "exp": int(self.now) + LIFETIME,
                "apptype": "Public" if client.public_client else "Confidential",
                "appid": client.client_id,
                "auth_time": int(self.now),
                "ver": "1.0",
                **claims,
            }
        )

    @property
    def resource(self) -> str:
        """The parameter `resource`, else what stands before the name in the first scope that has something there."""
        named = [scope.rpartition("/")[0] for scope in self.form.get("scope", "").split() if "/" in scope]
        return self.form.get("resource") or (named[0] if named else "urn:microsoft:userinfo")


def token(asked: Asked) -> Mapping[str, object]:
    """Answer a request for a token: the JSON of it, or of the error."""
    grant_type = asked.form.get("grant_type", "")
    asked.details.update(grant=grant_type, tenant=asked.tenant.id, provider="environment", resource=asked.resource)
    try:
        client = _client(asked)
        asked.details.update(client_id=client.client_id, identity=client.name)
        if grant_type not in _GRANTS:
            raise _NO_GRANT
        return _GRANTS[grant_type](asked, client)
    except _Refused as refused:
        asked.details["error"] = refused.description.partition(":")[0]
        return {"error": refused.error, "error_description": refused.description}


def _app_only(asked: Asked, client: Application) -> dict[str, object]:
    return _answer(asked.sign(client, authmethod=f"{_METHOD}password"))


def _password(asked: Asked, client: Application) -> dict[str, object]:
    try:
        user = users.find_by_name(asked.directory, asked.form.get("username", ""), tenant=asked.tenant)
        users.check_password(user, asked.form.get("password", ""))
    except EntraError as error:
        raise _NO_USER from error
    asked.details["identity"] = user.principal_name
    person = {"sub": user.object_id, "upn": user.principal_name, "unique_name": user.principal_name}
    id_token = asked.sign(client, **person, aud=client.client_id, sid=str(uuid.uuid4()))
    return {
        **_answer(asked.sign(client, **person, scp="openid", authmethod=_PASSWORD)),
        "id_token": id_token,
        "scope": "openid",
    }


_GRANTS: Mapping[str, Callable[[Asked, Application], Mapping[str, object]]] = {
    "client_credentials": _app_only,
    "password": _password,
}


def _answer(access_token: str) -> dict[str, object]:
    return {"access_token": access_token, "token_type": "bearer", "expires_in": LIFETIME}


def _client(asked: Asked) -> Application:
    """Return the client that a request proves to be from."""
    form = asked.form
    client = asked.directory.principal(form.get("client_id", ""))
    if not isinstance(client, Application) or not client.enabled:
        raise _NO_CLIENT
    if form.get("client_assertion"):
        try:
            assertion = client_assertions.read(form["client_assertion"])
            client_assertions.verify_certificate(
                assertion, client, is_own_address=lambda address: _is_own(address, asked.host), now=asked.now
            )
        except EntraError as error:
            raise _NO_PROOF from error
        return client
    secret = form.get("client_secret", "")
    if not secret and client.public_client and form.get("grant_type") != "client_credentials":
        return client
    valid = [one.value for one in client.secrets if one.expires is None or asked.now < one.expires]
    if not any(hmac.compare_digest(one.encode(), secret.encode()) for one in valid):
        raise _NO_PROOF
    return client


def _is_own(address: str, host: str) -> bool:
    parts = split_url(address)
    return (parts.hostname, parts.path.rstrip("/")) == (host, "/adfs/oauth2/token")
