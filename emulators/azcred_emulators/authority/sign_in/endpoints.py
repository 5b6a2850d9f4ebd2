"""The addresses at which people sign in: `/authorize`, where apps send their browsers, and where device codes go."""

from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Response

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import scopes
from azcred_emulators.authority.grants.request import ClaimsRequest, Stores
from azcred_emulators.authority.sign_in import authorization, authorization_response, pages
from azcred_emulators.authority.sign_in.authorization import AuthorizationRequest
from azcred_emulators.authority.sign_in.authorization_response import Redirect
from azcred_emulators.authority.sign_in.browser_sessions import Sessions
from azcred_emulators.authority.sign_in.device_codes import DeviceCode
from azcred_emulators.authority.sign_in.redirect_uris import Platform
from azcred_emulators.authority.sign_in.steps import Asked, SignInSteps
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC, cloud_of
from azcred_emulators.directory import Application, Tenant
from azcred_emulators.emulation.request import Request
from azcred_emulators.tokens.delegation import SignIn

_DEVICE_LOGIN = "/common/oauth2/deviceauth"
_DEVICE_LOGIN_URL = f"https://login.microsoftonline.com{_DEVICE_LOGIN}"
_FindTenant = Callable[[str], tuple[str, Tenant | None]]


class SignInPages:
    """Answers browsers; whatever is wrong with a request is a page, too."""

    def __init__(self, stores: Stores, clock: Clock, find_tenant: _FindTenant) -> None:
        self._stores = stores
        self._find_tenant = find_tenant
        self._sessions = Sessions(clock)
        self._steps = SignInSteps(stores, clock)
        self._clock = clock

    def reset(self) -> None:
        """Sign everybody out."""
        self._sessions.reset()

    def authorize(self, request: Request, values: Mapping[str, str]) -> Response:
        """Answer a request to `/authorize` or the form of a page there.

        A page's form brings the app's request back in its query; an app may send its own in the body.
        """
        form = request.form.to_dict() if "canary" in request.form else {}
        parameters = request.args.to_dict() if form else {**request.args.to_dict(), **request.form.to_dict()}
        browser = self._sessions.browser(request)
        try:
            asked = self._asked_to_authorize(request, parameters, values)
            if asked.request.error:
                request.details["error"] = f"AADSTS{asked.request.error.code}"
                return asked.refuse(asked.request.error)
            answer = self._steps.go_on(browser, asked, form) if form else self._steps.begin(browser, asked)
        except EntraError as error:
            request.details["error"] = f"AADSTS{error.code}"
            answer = pages.error(error)
        return browser.save(answer)

    def device_login(self, request: Request, _: Mapping[str, str]) -> Response:
        """Answer a request to the page for device codes or a form there; the code stays in the query."""
        form = request.form.to_dict() if "canary" in request.form else {}
        browser = self._sessions.browser(request)
        typed = request.args.get("otc", "")
        entry = pages.Form(_DEVICE_LOGIN, browser.seal("canary", _DEVICE_LOGIN), "")
        try:
            if not form:
                answer = pages.device_code(entry, typed, "")
            elif form.get("step") == "code":
                if not browser.has_sealed(form["canary"], "canary", _DEVICE_LOGIN):
                    return browser.save(pages.device_code(entry, "", ""))
                typed = form.get("otc", "")
                answer = self._steps.begin(browser, self._asked_by_device(request, typed))
            else:
                answer = self._steps.go_on(browser, self._asked_by_device(request, typed), form)
        except EntraError as error:
            request.details["error"] = f"AADSTS{error.code}"
            answer = pages.device_code(entry, typed, error.text)
        return browser.save(answer)

    def send_to_device_login(self, request: Request, _: Mapping[str, str]) -> Response:
        """Send the browser from the address that people are told to the page."""
        return pages.secured(Response(status=302, headers={"Location": _DEVICE_LOGIN_URL}))

    def sign_out(self, request: Request, response: Response) -> Response:
        """End the browser's session with a response."""
        browser = self._sessions.browser(request)
        browser.sign_out()
        return browser.save(response)

    def _asked_to_authorize(self, request: Request, parameters: Mapping[str, str], values: Mapping[str, str]) -> Asked:
        version = int(values["version"])
        tenant_name, tenant = self._find_tenant(values["tenant"])
        request.details["tenant"] = tenant_name
        wanted = authorization.read(
            parameters,
            directory=self._stores.directory,
            version=version,
            tenant_name=tenant_name,
            tenant=tenant,
            cloud=cloud_of(request.host.partition(":")[0]) or PUBLIC,
        )
        if not pages.sources_of(wanted.redirect_uri):
            raise EntraError(50011, address=wanted.redirect_uri, client=wanted.client.client_id)
        request.details.update(client_id=wanted.client.client_id, resource=wanted.access.resource)

        def approve(sign_in: SignIn) -> Response:
            user = self._stores.directory.user(sign_in.user_id)
            request.details["identity"] = user.principal_name if user else None
            return _send(authorization_response.approve(wanted, sign_in, stores=self._stores, now=self._clock.now()))

        def refuse(error: EntraError) -> Response:
            request.details["error"] = f"AADSTS{error.code}"
            return _send(authorization_response.refuse(wanted, error))

        path = f"/{quote(tenant_name)}/oauth2/{'v2.0/' if version == 2 else ''}authorize"
        return Asked(wanted, f"{path}?{urlencode(parameters, errors='replace')}", approve, refuse)

    def _asked_by_device(self, request: Request, typed: str) -> Asked:
        codes = self._stores.device_codes
        code = codes.find(typed)
        client = self._stores.directory.principal(code.client_id)
        if not isinstance(client, Application):
            raise EntraError(70018)
        request.details.update(client_id=client.client_id, tenant=code.tenant)

        def approve(sign_in: SignIn) -> Response:
            codes.approve(code.user_code, sign_in)
            self._stores.issued.sign_in(sign_in)
            return pages.message(
                "You have signed in", f"You have signed in to {client.name}. You may close this window."
            )

        def refuse(error: EntraError) -> Response:
            request.details["error"] = f"AADSTS{error.code}"
            codes.decline(code.user_code)
            return pages.message("You have not signed in", f"{client.name} has not been let in. {error.text}")

        wanted = self._wanted_by_device(code, client)
        return Asked(wanted, f"{_DEVICE_LOGIN}?{urlencode({'otc': code.user_code})}", approve, refuse, confirm=True)

    def _wanted_by_device(self, code: DeviceCode, client: Application) -> AuthorizationRequest:
        """Return what the device asked for as if a browser had brought it, without anywhere to go back to."""
        tenant_name, tenant = self._find_tenant(code.tenant)
        access = scopes.read_resource(code.resource, code.scope) if code.resource else scopes.read_scope(code.scope)
        return AuthorizationRequest(
            version=1 if code.resource else 2,
            tenant_name=tenant_name,
            tenant=tenant,
            client=client,
            redirect_uri="",
            platform=Platform(public=client.public_client, spa=False),
            response_mode="query",
            state=None,
            access=access,
            scope=code.scope,
            resource=code.resource,
            nonce=None,
            code_challenge=None,
            code_challenge_method="plain",
            prompt="",
            login_hint="",
            domain_hint="",
            client_info=False,
            claims=ClaimsRequest(),
        )


def _send(to: Redirect) -> Response:
    """Send the browser back to the app in the way that it asked for."""
    if to.response_mode == "form_post":
        return pages.form_post(to.address, to.parameters)
    return pages.secured(Response(status=302, headers={"Location": to.url}), to.address)
