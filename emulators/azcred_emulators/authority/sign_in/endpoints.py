"""The addresses at which people sign in: `/authorize`, where apps send their browsers, and where device codes go."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Response

from azcred_emulators.authority.context import AuthorityContext
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import scopes
from azcred_emulators.authority.sign_in import authorization, authorization_response, pages
from azcred_emulators.authority.sign_in.authorization import AuthorizationRequest, SignInRequest
from azcred_emulators.authority.sign_in.authorization_response import Redirect
from azcred_emulators.authority.sign_in.browser_sessions import BrowserSessions
from azcred_emulators.authority.sign_in.steps import Interaction, SignInSteps
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC, cloud_of
from azcred_emulators.directory import Application, Tenant
from azcred_emulators.emulation.request import Request
from azcred_emulators.tokens.access import SignIn

_DEVICE_LOGIN = "/common/oauth2/deviceauth"
_DEVICE_LOGIN_URL = f"https://login.microsoftonline.com{_DEVICE_LOGIN}"
_FindTenant = Callable[[str], tuple[str, Tenant | None]]


class SignInPages:
    """Answers browsers; whatever is wrong with a request is a page, too."""

    def __init__(self, context: AuthorityContext, clock: Clock, find_tenant: _FindTenant) -> None:
        self._context = context
        self._find_tenant = find_tenant
        self._sessions = BrowserSessions(clock)
        self._steps = SignInSteps(context, clock)
        self._clock = clock

    def reset(self) -> None:
        """Sign everybody out."""
        self._sessions.reset()

    def describe(self, request: Request, values: Mapping[str, str]) -> Mapping[str, object]:
        """Return what a request to `/authorize` tells the journal; raises EntraError if it cannot be read."""
        authorization_request = self._read(request, values)
        return {
            "client_id": authorization_request.client.client_id,
            "resource": authorization_request.access.resource,
        }

    def authorize(self, request: Request, values: Mapping[str, str]) -> Response:
        """Answer a request to `/authorize` or the form of a page there."""
        browser = self._sessions.browser(request)
        try:
            authorization_request = self._read(request, values)
            interaction = self._authorization(request, authorization_request)
            if authorization_request.error:
                return interaction.fail(authorization_request.error)
            if "canary" in request.form:
                answer = self._steps.go_on(browser, interaction, request.form.to_dict())
            else:
                answer = self._steps.begin(browser, interaction)
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
                answer = self._steps.begin(browser, self._device_authorization(request, typed))
            else:
                answer = self._steps.go_on(browser, self._device_authorization(request, typed), form)
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

    def _read(self, request: Request, values: Mapping[str, str]) -> AuthorizationRequest:
        tenant_name, tenant = self._find_tenant(values["tenant"])
        authorization_request = authorization.read(
            _parameters(request),
            directory=self._context.directory,
            version=int(values["version"]),
            tenant_name=tenant_name,
            tenant=tenant,
            cloud=cloud_of(request.host.partition(":")[0]) or PUBLIC,
        )
        if not pages.sources_of(authorization_request.redirect_uri):
            client_id = authorization_request.client.client_id
            raise EntraError(50011, address=authorization_request.redirect_uri, client=client_id)
        return authorization_request

    def _authorization(self, request: Request, authorization_request: AuthorizationRequest) -> Interaction:
        def succeed(sign_in: SignIn) -> Response:
            user = self._context.directory.user(sign_in.user_id)
            request.details["identity"] = user.principal_name if user else None
            client = self._context.directory.principal(authorization_request.client.client_id)
            granted = authorization_request
            if isinstance(client, Application):  # with what was consented to on the way
                granted = replace(granted, client=client)
            return _send(authorization_response.success(granted, sign_in, context=self._context, now=self._clock.now()))

        def fail(error: EntraError) -> Response:
            request.details["error"] = f"AADSTS{error.code}"
            return _send(authorization_response.failure(authorization_request, error))

        endpoint = "oauth2/v2.0/authorize" if authorization_request.version == 2 else "oauth2/authorize"
        path = f"/{quote(authorization_request.tenant_name)}/{endpoint}"
        return Interaction(
            authorization_request,
            f"{path}?{urlencode(_parameters(request), errors='replace')}",
            succeed,
            fail,
            destination=authorization_request.redirect_uri,
        )

    def _device_authorization(self, request: Request, user_code: str) -> Interaction:
        codes = self._context.device_codes
        code = codes.find(user_code)
        client = self._context.directory.principal(code.client_id)
        if not isinstance(client, Application):
            raise EntraError(70018)
        request.details.update(client_id=client.client_id, tenant=code.tenant)

        def succeed(sign_in: SignIn) -> Response:
            codes.approve(code.user_code, sign_in)
            self._context.issued.sign_in(sign_in)
            return pages.message(
                "You have signed in", f"You have signed in to {client.name}. You may close this window."
            )

        def fail(error: EntraError) -> Response:
            request.details["error"] = f"AADSTS{error.code}"
            codes.decline(code.user_code)
            return pages.message("You have not signed in", f"{client.name} has not been let in. {error.text}")

        tenant_name, tenant = self._find_tenant(code.tenant)
        access = scopes.read_resource(code.resource, code.scope) if code.resource else scopes.read_scope(code.scope)
        return Interaction(
            SignInRequest(tenant_name=tenant_name, tenant=tenant, client=client, access=access),
            f"{_DEVICE_LOGIN}?{urlencode({'otc': code.user_code})}",
            succeed,
            fail,
            confirm=True,
        )


def _parameters(request: Request) -> dict[str, str]:
    """Return the parameters of a request to `/authorize`.

    A page's form brings the app's request back in its query; an app may send its own in the body.
    """
    form = {} if "canary" in request.form else request.form.to_dict()
    return {**request.args.to_dict(), **form}


def _send(redirect: Redirect) -> Response:
    """Send the browser back to the app in the response mode that it asked for."""
    if redirect.response_mode == "form_post":
        return pages.form_post(redirect.address, redirect.parameters)
    return pages.secured(Response(status=302, headers={"Location": redirect.url}), redirect.address)
