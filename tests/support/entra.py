"""A client of the emulated token service on the wire, without sockets: each method sends one request."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
from werkzeug.test import Client, TestResponse

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import ADMIN_CONSENT, Application, ClientSecret, User, contoso, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens import saml_assertions

AUTHORITY = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
VAULT = "https://vault.azure.net"
REDIRECT = "https://shop.contoso.com/auth"
SECRET = "shop~secret"
DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SAML_GRANT = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
OBO_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Entra:
    """The emulators, and a client of theirs."""

    emulators: Emulators
    client: Client

    @property
    def user(self) -> User:
        """The user of the directory that a run starts with."""
        user = self.emulators.directory.user(identifiers.USER_PRINCIPAL_NAME)
        assert user is not None
        return user

    @property
    def cli(self) -> Application:
        """The Azure CLI's application: a public client that every tenant has."""
        application = self.emulators.directory.principal(identifiers.AZURE_CLI_CLIENT_ID)
        assert isinstance(application, Application)
        return application

    def add_user(self, name: str = "ada", **fields: Any) -> User:
        """Add a user `name`@contoso.com, whose password is "pw" unless the fields say otherwise."""
        given: dict[str, Any] = {
            "name": name.title(),
            "tenant_id": contoso.TENANT.id,
            "principal_name": f"{name}@contoso.com",
            "password": "pw",
            **fields,
        }
        return self.emulators.directory.add(User(**given))

    def add_web_app(self, name: str = "shop", **fields: Any) -> Application:
        """Add a confidential client with a secret, a redirect URI and an administrator's consent to everything."""
        given: dict[str, Any] = {
            "name": name,
            "tenant_id": contoso.TENANT.id,
            "secrets": (ClientSecret(SECRET),),
            "redirect_uris": (REDIRECT,),
            "permission_grants": (ADMIN_CONSENT,),
            **fields,
        }
        return self.emulators.directory.add(Application(**given))

    def add_api(self, name: str = "orders", **fields: Any) -> Application:
        """Add a resource api://`name` with a secret of its own and the scopes Orders.Read and Orders.Write."""
        given: dict[str, Any] = {
            "name": name,
            "tenant_id": contoso.TENANT.id,
            "identifier_uris": (f"api://{name}",),
            "oauth2_permission_scopes": ("Orders.Read", "Orders.Write"),
            "secrets": (ClientSecret(SECRET),),
            **fields,
        }
        return self.emulators.directory.add(Application(**given))

    def post(
        self,
        form: dict[str, str | None],
        *,
        tenant: str = contoso.TENANT.id,
        path: str = "oauth2/v2.0/token",
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        """Send a form to an endpoint of a tenant; fields that are None are left out."""
        return self.client.post(
            f"/{tenant}/{path}",
            base_url=AUTHORITY,
            data={name: value for name, value in form.items() if value is not None},
            headers=headers,
        )

    def password(self, user: User, *, tenant: str = contoso.TENANT.id, **changes: str | None) -> TestResponse:
        """Sign the user in with their password through the Azure CLI's application."""
        form = {
            "grant_type": "password",
            "client_id": identifiers.AZURE_CLI_CLIENT_ID,
            "username": user.principal_name,
            "password": user.password,
            "scope": f"{GRAPH}/.default openid profile offline_access",
            **changes,
        }
        return self.post(form, tenant=tenant)

    def authorize(
        self, app: Application, user: User | None = None, *, tenant: str = "", mfa: bool = False, **parameters: Any
    ) -> dict[str, str]:
        """Let the user sign in on the page of `/authorize` and return what the browser brings back."""
        query = {
            "client_id": app.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": f"{GRAPH}/User.Read openid profile email offline_access",
            "state": "s",
            **parameters,
        }
        url = f"{AUTHORITY}/{tenant or contoso.TENANT.id}/oauth2/v2.0/authorize?{urlencode(query)}"
        return dict(self.emulators.authority.authorize(url, user or self.user, mfa=mfa).parameters)

    def redeem(
        self,
        app: Application,
        code: str,
        *,
        tenant: str = contoso.TENANT.id,
        headers: dict[str, str] | None = None,
        **changes: str | None,
    ) -> TestResponse:
        """Redeem an authorization code as a confidential client does."""
        form = {
            "grant_type": "authorization_code",
            "client_id": app.client_id,
            "client_secret": SECRET,
            "code": code,
            "redirect_uri": REDIRECT,
            **changes,
        }
        return self.post(form, tenant=tenant, headers=headers)

    def refresh(
        self,
        app: Application,
        refresh_token: str,
        *,
        tenant: str = contoso.TENANT.id,
        headers: dict[str, str] | None = None,
        **changes: str | None,
    ) -> TestResponse:
        """Use a refresh token as a confidential client does."""
        form = {
            "grant_type": "refresh_token",
            "client_id": app.client_id,
            "client_secret": SECRET,
            "refresh_token": refresh_token,
            "scope": f"{GRAPH}/User.Read openid profile offline_access",
            **changes,
        }
        return self.post(form, tenant=tenant, headers=headers)

    def redeem_assertion(self, **changes: Any) -> TestResponse:
        """Bring what the AD FS of fabrikam.com, a federated domain, says of a user, as the Azure CLI does.

        `changes` are those to what `saml_assertions.issue` is called with.
        """
        self.emulators.adfs.federate("fabrikam.com")
        given = {
            "key": self.emulators.adfs.key,
            "issuer": "http://sts.fabrikam.com/adfs/services/trust",
            "immutable_id": "x",
            "now": self.emulators.clock.now(),
            **changes,
        }
        form = {
            "grant_type": SAML_GRANT,
            "client_id": identifiers.AZURE_CLI_CLIENT_ID,
            "assertion": base64.urlsafe_b64encode(saml_assertions.issue(given.pop("key"), **given).encode()).decode(),
            "scope": f"{GRAPH}/.default",
        }
        return self.post(dict(form), tenant="organizations")

    def sign_in(self, app: Application, user: User | None = None, **parameters: Any) -> dict[str, Any]:
        """Return the tokens of a user who signs in to a web app."""
        response = self.redeem(app, self.authorize(app, user, **parameters)["code"])
        assert response.status_code == 200, response.text
        return dict(response.get_json())


def claims_of(token: str | TestResponse) -> dict[str, Any]:
    """Read a token, or the access token of an answer."""
    if isinstance(token, TestResponse):
        assert token.status_code == 200, token.text
        return claims_of(str(token.get_json()["access_token"]))
    return dict(jwt.decode(token, options={"verify_signature": False}))


def refusal(response: TestResponse) -> tuple[int, str, int]:
    """Return the status, the error and the code of a refusal."""
    body = response.get_json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    return response.status_code, body["error"], body["error_codes"][0]


def code_of(answer: TestResponse | Mapping[str, str] | Callable[[], object]) -> int:
    """Return the AADSTS code in an answer: JSON, a page, the way back to an app, or what calling it raises."""
    if callable(answer) and not isinstance(answer, TestResponse):
        try:
            answer()
        except EntraError as error:
            return error.code
        raise AssertionError("nothing was refused")
    text = f"{answer.text} {answer.location}" if isinstance(answer, TestResponse) else answer["error_description"]
    [code] = set(re.findall(r"AADSTS(\d+)", text))
    return int(code)
