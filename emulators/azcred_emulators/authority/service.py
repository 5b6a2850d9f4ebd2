"""The token service under all its host names: which request is answered by what."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response

from azcred_emulators.authority import cors, discovery, tenants
from azcred_emulators.authority.context import AuthorityContext, KeyOf, KeysOf
from azcred_emulators.authority.device_codes import DeviceCodes
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.errors.responses import HEADERS, error_response
from azcred_emulators.authority.grants import client_authentication, device_code
from azcred_emulators.authority.grants.device_code import DEVICE_AUTHORIZATION
from azcred_emulators.authority.grants.grant_types import GRANTS
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.issued import Issued
from azcred_emulators.authority.named_refusals import named_refusals
from azcred_emulators.authority.redirect_uris import platform_of
from azcred_emulators.authority.sign_in import pages, unattended
from azcred_emulators.authority.sign_in.authorization_response import Redirect
from azcred_emulators.authority.sign_in.endpoints import SignInPages
from azcred_emulators.authority.url_rules import RULES
from azcred_emulators.authority.user_realms import user_realm
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import DEVICE_LOGIN_HOST, PUBLIC, cloud_of
from azcred_emulators.directory import Directory, Tenant, User
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.refusals import NamedRefusals
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.serving.urls import split_url
from azcred_emulators.tokens import Tokens
from azcred_emulators.tokens.access import SignIn
from azcred_emulators.tokens.claims import issuer, issuers_of

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Authority(Emulator):
    """Entra ID's token service: discovery documents, keys, tokens and sign-in pages, with their common `context`."""

    name = "authority"
    rules = RULES
    # A fault is for the documents that come before a token only if it says so.
    fault_criteria: ClassVar[Mapping[str, object]] = {"operation": "token"}

    def __init__(
        self, directory: Directory, tokens: Tokens, clock: Clock, keys_of: KeysOf, federation_key: KeyOf
    ) -> None:
        self.named_refusals: NamedRefusals | None = named_refusals(clock)
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._keys_of_others = keys_of
        self.context: AuthorityContext = AuthorityContext(
            directory, tokens, Issued(clock, tokens.layers), DeviceCodes(clock), self._keys_of, federation_key
        )
        self._pages = SignInPages(self.context, clock, self.find_tenant)
        self._answers: Mapping[str, Callable[[Request, Mapping[str, str]], Response]] = {
            "instance-discovery": self._instance_discovery,
            "openid-configuration": self._openid_configuration,
            "keys": self._keys,
            "token": self._token,
            "preflight": lambda request, _: cors.preflight(request, directory),
            "devicecode": self._devicecode,
            "logout": self._logout,
            "without-tenant": self._without_tenant,
            "authorize": self._pages.authorize,
            "device-login": self._pages.device_login,
            "to-device-login": self._pages.send_to_device_login,
            "userrealm": self._userrealm,
        }

    def serves(self, host: str, path: str) -> bool:
        """Serve the token services of every cloud, loopback for `AZURE_AUTHORITY_HOST`, and where device codes go."""
        if host == DEVICE_LOGIN_HOST:
            return path == "/devicelogin"
        return host in _LOOPBACK or cloud_of(host) is not None

    def describe(self, request: Request, path: str) -> None:
        """Note who asks for what, as `handle` does before it answers."""
        with suppress(HTTPException):  # an unknown path, or a form that is too large
            endpoint, values = self.rules.bind("localhost").match(path, method=request.method)
            self._describe(request, endpoint, values)

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a request for a document or a token, refusals included."""
        self._describe(request, endpoint, values)
        try:
            if endpoint in _EACH_ONCE:
                check_each_once(request.args, request.form)
            answer = self._answers[endpoint](request, values)
        except EntraError as error:
            if endpoint in ("authorize", "logout"):
                request.details["error"] = f"AADSTS{error.code}"
                answer = pages.error(error)
            else:
                answer = error_response(request, error, now=self._clock.now())
        origin = request.headers.get("Origin")
        if origin and endpoint == "token":
            return cors.allow(answer, origin, self._directory.principal(_form(request).get("client_id", "")))
        return answer

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what HTTP rules out; a wrong method has an AADSTS code of its own."""
        match error:
            case MethodNotAllowed():
                return error_response(request, EntraError(900561, method=request.method), now=self._clock.now())
            case NotFound():
                return Response(status=404)
        if error.code == 413:
            return Response("The page was not displayed because the request entity is too large.", status=413)
        return error_response(request, EntraError(9002313), now=self._clock.now())

    def stateful(self) -> Iterable[object]:
        """Return nothing: what was handed out meanwhile may belong to a credential that is older."""
        return ()

    def reset(self) -> None:
        """Forget everything that was handed out, and sign everybody out."""
        self._pages.reset()
        self.context.issued.reset()
        self.context.device_codes.reset()

    def sign_in(self, user: User, *, mfa: bool = False) -> SignIn:
        """Return a sign-in of the user that happens now.

        :param user: the user.
        :param mfa: True for a second factor, False for the password alone.
        :return: the sign-in.
        """
        return SignIn(user_id=user.object_id, auth_time=self._clock.now(), amr=("pwd", "mfa") if mfa else ("pwd",))

    def authorize(self, url: str, user: User, *, mfa: bool = False) -> Redirect:
        """Answer a URL of `/authorize` that an app opens in a browser, as if the user had signed in there.

        :param url: the URL.
        :param user: the user.
        :param mfa: True if the user signed in with a second factor.
        :return: where the browser is sent.
        :raises EntraError: a page would show this error instead of sending the browser back to the app.
        """
        _, name, *_ = urlsplit(url).path.split("/")
        tenant_name, tenant = self.find_tenant(name)
        return unattended.authorize(
            url,
            self.sign_in(user, mfa=mfa),
            context=self.context,
            tenant_name=tenant_name,
            tenant=tenant,
            now=self._clock.now(),
        )

    def find_tenant(self, name: str) -> tuple[str, Tenant | None]:
        """Return the GUID and the tenant that an endpoint's first segment names, or the shared name and None.

        Raises EntraError if there is no such tenant.
        """
        return tenants.resolve(self._directory, name)

    def _describe(self, request: Request, endpoint: str, values: Mapping[str, str]) -> None:
        request.details["operation"] = endpoint
        with suppress(EntraError):  # then the entry says less
            match endpoint:
                case "token":
                    request.details["grant"] = grant_type = _form(request).get("grant_type")
                    if grant := GRANTS.get(grant_type or ""):
                        request.details.update(grant.describe(self._read(request, values)))
                case "devicecode":
                    request.details.update(DEVICE_AUTHORIZATION.describe(self._read(request, values)))
                case "authorize":
                    request.details["tenant"], _ = self.find_tenant(values["tenant"])
                    request.details.update(self._pages.describe(request, values))
                case "openid-configuration":
                    request.details["tenant"] = self._tenant_name(values["tenant"])

    def _instance_discovery(self, request: Request, _: Mapping[str, str]) -> Response:
        """Confirm that the host in `authorization_endpoint` is a token service (msal asks for hosts new to it)."""
        endpoint = split_url(request.args.get("authorization_endpoint", ""))
        if not endpoint.hostname:
            raise EntraError(900144, parameter="authorization_endpoint")
        if cloud_of(endpoint.hostname) is None and endpoint.hostname not in _LOOPBACK:
            raise EntraError(50049)
        tenant = endpoint.path.strip("/").split("/")[0] or "common"
        return json_response(
            discovery.instance_discovery(f"{endpoint.scheme}://{endpoint.netloc}", tenant), headers=_CACHED
        )

    def _openid_configuration(self, request: Request, values: Mapping[str, str]) -> Response:
        tenant, version = self._tenant_name(values["tenant"]), int(values["version"])
        return json_response(
            discovery.openid_configuration(
                f"https://{request.host}", tenant, cloud=cloud_of(_name(request)) or PUBLIC, version=version
            ),
            headers=_CACHED,
        )

    def _tenant_name(self, name: str) -> str:
        """Return the name of a tenant in its documents: the shared name, or its GUID; raises EntraError."""
        return tenants.resolve(self._directory, name, error="invalid_tenant")[0]

    def _keys(self, request: Request, values: Mapping[str, str]) -> Response:
        name, version = self._tenant_name(values["tenant"]), int(values["version"])
        cloud = cloud_of(_name(request)) or PUBLIC
        tenant = "{tenantid}" if name in tenants.SHARED_TENANTS else name
        tenant_issuer = issuer(cloud, tenant, version) if version == 2 else None
        return json_response(discovery.keys(self._tokens.key, tenant_issuer=tenant_issuer), headers=_CACHED)

    def _token(self, request: Request, values: Mapping[str, str]) -> Response:
        grant_type = _form(request).get("grant_type")
        if not grant_type:
            raise EntraError(900144, parameter="grant_type")
        grant = GRANTS.get(grant_type)
        if grant is None:
            raise EntraError(70003, grant=grant_type)
        token_request = self._read(request, values)
        if token_request.origin:
            cors.check(token_request.origin, client_authentication.find_client(token_request))
        client_authentication.check_repetition(token_request)
        answer = grant.respond(token_request)
        request.details["claims"] = answer.token.claims
        headers = {**HEADERS, "x-ms-request-id": str(uuid.uuid4())}
        return json_response(answer.body(version=token_request.version, now=token_request.now), headers=headers)

    def _devicecode(self, request: Request, values: Mapping[str, str]) -> Response:
        return json_response(device_code.start(self._read(request, values)), headers=HEADERS)

    def _logout(self, request: Request, _: Mapping[str, str]) -> Response:
        """Send the browser where the app wants it, if the address is an app's; the session in the browser ends."""
        address = request.values.get("post_logout_redirect_uri", "")
        if any(platform_of(application, address) for application in self._directory.applications()):
            state = request.values.get("state")
            query = f"{'&' if '?' in address else '?'}{urlencode({'state': state})}" if state else ""
            answer = Response(status=302, headers={**HEADERS, "Location": f"{address}{query}"})
            return self._pages.sign_out(request, answer)
        return self._pages.sign_out(
            request, Response("You signed out of your account. It's a good idea to close all browser windows.")
        )

    def _without_tenant(self, request: Request, values: Mapping[str, str]) -> Response:
        """Answer a request whose path leaves out the tenant, which comes first in it."""
        if values["what"] == "authorize":
            request.details["error"] = "AADSTS90019"
            return pages.error(EntraError(90019))
        raise EntraError(90019)

    def _userrealm(self, request: Request, values: Mapping[str, str]) -> Response:
        cloud = cloud_of(_name(request)) or PUBLIC
        return json_response(user_realm(self._directory, values["name"], cloud=cloud), headers=HEADERS)

    def _read(self, request: Request, values: Mapping[str, str]) -> TokenRequest:
        tenant_name, tenant = self.find_tenant(values["tenant"])
        return TokenRequest(
            form=_form(request),
            server_name=_name(request),
            version=int(values["version"]),
            tenant_name=tenant_name,
            tenant=tenant,
            cloud=cloud_of(_name(request)) or PUBLIC,
            now=self._clock.now(),
            origin=request.headers.get("Origin"),
            context=self.context,
        )

    def _keys_of(self, issuer: str) -> Mapping[str, RSAPublicKey] | None:
        """Return the keys of an issuer of federated assertions; Entra ID itself can be one."""
        if any(issuer in issuers_of(tenant.id) for tenant in self._directory.tenants()):
            return {self._tokens.key.id: self._tokens.key.public}
        return self._keys_of_others(issuer)


def check_each_once(*parameters: MultiDict[str, str]) -> None:
    """Raise EntraError for a parameter that a query or a form has twice (RFC 6749, section 3.1 and 3.2)."""
    for several in parameters:
        for name, values in several.lists():
            if len(values) > 1:
                raise EntraError(9000411, parameter=name)


def _name(request: Request) -> str:
    return request.host.partition(":")[0].lower()


def _form(request: Request) -> dict[str, str]:
    """Return the form of a token request, a client's Basic authorization included."""
    form = request.form.to_dict()
    if request.authorization and request.authorization.type == "basic":
        form.setdefault("client_id", request.authorization.username or "")
        form.setdefault("client_secret", request.authorization.password or "")
    return form


_EACH_ONCE = ("token", "devicecode", "authorize", "logout")  # endpoints whose parameters may occur once
_CACHED = {
    "Cache-Control": "max-age=86400, private",
    "X-Content-Type-Options": "nosniff",
    **cors.EVERYBODY,
}
