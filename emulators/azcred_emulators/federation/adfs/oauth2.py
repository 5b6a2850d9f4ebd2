"""The token service of an AD FS itself, which clients address as the tenant "adfs" of its host.

Source: "AD FS OpenID Connect/OAuth flows and Application Scenarios"; msal 1.39 as the client; the MSIS errors of AD FS.
"""

import hmac
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.directory import Application, Directory, Tenant, User
from azcred_emulators.serving.urls import split_url
from azcred_emulators.tokens.keys import SigningKey

LIFETIME = 3600  # seconds
_METHOD = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/"
_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


ERRORS: Mapping[str, tuple[str, str]] = {
    "MSIS9223": (
        "invalid_client",
        "Received invalid OAuth access token request. The received 'client_id' is invalid as no registered client was "
        "found with this client identifier. Make sure that the client is registered.",
    ),
    "MSIS9611": ("unsupported_grant_type", "The authorization server does not support the requested 'grant_type'."),
    "MSIS9622": (
        "invalid_client",
        "Client authentication failed. Please verify the credential provided for client authentication is valid.",
    ),
    "MSIS9659": ("invalid_grant", "Invalid 'username' or 'password'."),
}


class AdFsError(Exception):
    """A request that AD FS refuses with one of the codes in `ERRORS`."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.error: str
        self.error, text = ERRORS[code]
        super().__init__(f"{code}: {text}")


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
class AdFsTokenRequest:
    """A request for a token to the AD FS called `host`; `now` is epoch seconds."""

    form: Mapping[str, str] = field(repr=False)
    host: str
    tenant: Tenant
    directory: Directory
    key: SigningKey
    now: float

    @property
    def grant_type(self) -> str:
        """The parameter `grant_type`, "" if it is missing."""
        return self.form.get("grant_type", "")

    @property
    def resource(self) -> str:
        """The parameter `resource`, else what stands before the name in the first scope that has something there."""
        named = [scope.rpartition("/")[0] for scope in self.form.get("scope", "").split() if "/" in scope]
        return self.form.get("resource") or (named[0] if named else "urn:microsoft:userinfo")

    def describe(self) -> dict[str, object]:
        """Return these fields of the request's entry in the journal; nothing is checked yet."""
        client = self.directory.principal(self.form.get("client_id", ""))
        identity = client.name if client else None
        if self.grant_type == "password":
            with suppress(EntraError):
                identity = self.user().principal_name
        return {
            "client_id": client.client_id if client else self.form.get("client_id"),
            "grant": self.grant_type,
            "identity": identity,
            "provider": "environment",
            "resource": self.resource,
            "tenant": self.tenant.id,
        }

    def user(self) -> User:
        """Return the user whom the form names; raises EntraError if there is none."""
        return users.find_by_name(self.directory, self.form.get("username", ""), tenant=self.tenant)

    def client(self) -> Application:
        """Return the client that the request proves to be from; raises AdFsError."""
        client = self.directory.principal(self.form.get("client_id", ""))
        if not isinstance(client, Application) or not client.enabled:
            raise AdFsError("MSIS9223")
        if self.form.get("client_assertion"):
            try:
                assertion = client_assertions.read(self.form["client_assertion"])
                client_assertions.verify_certificate(assertion, client, is_own_address=self._is_own, now=self.now)
            except EntraError as error:
                raise AdFsError("MSIS9622") from error
            return client
        secret = self.form.get("client_secret", "")
        if not secret and client.public_client and self.grant_type != "client_credentials":
            return client
        valid = [item.value for item in client.secrets if item.expires is None or self.now < item.expires]
        if not any(hmac.compare_digest(value.encode(), secret.encode()) for value in valid):
            raise AdFsError("MSIS9622")
        return client

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

    def _is_own(self, address: str) -> bool:
        parts = split_url(address)
        return (parts.hostname, parts.path.rstrip("/")) == (self.host, "/adfs/oauth2/token")


def token(request: AdFsTokenRequest) -> Mapping[str, object]:
    """Return the JSON of the answer to a request for a token; raises AdFsError."""
    client = request.client()
    if request.grant_type not in _GRANTS:
        raise AdFsError("MSIS9611")
    return _GRANTS[request.grant_type](request, client)


def _app_only(request: AdFsTokenRequest, client: Application) -> dict[str, object]:
    return _answer(request.sign(client, authmethod=f"{_METHOD}password"))


def _password(request: AdFsTokenRequest, client: Application) -> dict[str, object]:
    try:
        user = request.user()
        users.check_password(user, request.form.get("password", ""))
    except EntraError as error:
        raise AdFsError("MSIS9659") from error
    person = {"sub": user.object_id, "upn": user.principal_name, "unique_name": user.principal_name}
    id_token = request.sign(client, **person, aud=client.client_id, sid=str(uuid.uuid4()))
    return {
        **_answer(request.sign(client, **person, scp="openid", authmethod=_PASSWORD)),
        "id_token": id_token,
        "scope": "openid",
    }


_GRANTS: Mapping[str, Callable[[AdFsTokenRequest, Application], Mapping[str, object]]] = {
    "client_credentials": _app_only,
    "password": _password,
}


def _answer(access_token: str) -> dict[str, object]:
    return {"access_token": access_token, "token_type": "bearer", "expires_in": LIFETIME}
