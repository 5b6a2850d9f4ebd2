"""The steps by which a person signs in: account, password, second factor, "stay signed in", consent.

They are the same for an app that sends the browser to `/authorize` and for a device whose code was typed in. Nothing
is kept between them but who is signed in in the browser: each step reads and checks the request again, and trusts a
form only with a proof that this browser got it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from werkzeug.wrappers import Response

from azcred_emulators.authority import users
from azcred_emulators.authority.context import AuthorityContext
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants.scopes import GRAPH
from azcred_emulators.authority.sign_in import authorization, pages
from azcred_emulators.authority.sign_in.authorization import SignInRequest
from azcred_emulators.authority.sign_in.browser_sessions import Browser
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Application, Mfa, User
from azcred_emulators.tokens.access import SignIn
from azcred_emulators.tokens.claims import is_graph

_MORE_PROOF = (50072, 50074, 50078, 530035)  # refusals of a sign-in that a second factor turns into consent
_TOO_LONG_AGO = 70044
_NO_CONSENT = 65001
_DECLINED = 65004
_DENIED = 50074
_FORGED = "The form is not one that this browser was given. Cookies must be allowed; go back to the app and try again."


@dataclass(frozen=True, slots=True)
class Interaction:
    """A sign-in that a browser is led through; `action` is the URL of its pages, which holds all of the request.

    `succeed` and `fail` end it: they answer the app. `destination` is where the browser goes then, "" if it stays.
    `confirm` is whether the person must confirm that they mean the app.
    """

    request: SignInRequest
    action: str
    succeed: Callable[[SignIn], Response]
    fail: Callable[[EntraError], Response]
    destination: str = ""
    confirm: bool = False


class SignInSteps:
    """Leads a browser from page to page until the app has its answer."""

    def __init__(self, context: AuthorityContext, clock: Clock) -> None:
        self._context = context
        self._directory = context.directory
        self._clock = clock

    def begin(self, browser: Browser, interaction: Interaction) -> Response:
        """Answer a browser that comes from an app: with the first page, or at once if nothing is to be interaction."""
        request = interaction.request
        prompts = request.prompt.split()
        sign_ins = self._usable(browser, request)
        hint = users.user_of_hint(self._directory, request.login_hint) if request.login_hint else None
        if request.login_hint:
            sign_ins = [sign_in for sign_in in sign_ins if hint and sign_in.user_id == hint.object_id]
        if "none" in prompts:
            return self._silently(interaction, sign_ins)
        if len(sign_ins) == 1 and not {"login", "select_account", "create"}.intersection(prompts):
            return self._check(browser, interaction, sign_ins[0], after="account")
        if hint and "select_account" not in prompts:
            return self._choose(browser, interaction, hint.principal_name)
        return self._accounts(browser, interaction, typed=request.login_hint)

    def go_on(self, browser: Browser, interaction: Interaction, form: Mapping[str, str]) -> Response:
        """Answer the form of a page."""
        if not browser.has_sealed(form.get("canary", ""), "canary", interaction.action):
            return pages.error(EntraError(90023, reason=_FORGED))
        if form.get("answer") == "cancel":
            denied = form.get("step") == "mfa"
            return interaction.fail(EntraError(_DENIED, error="access_denied") if denied else EntraError(_DECLINED))
        match form.get("step"):
            case "account":
                return self._choose(browser, interaction, form.get("username", "").strip())
            case "password":
                return self._password(browser, interaction, form.get("username", ""), form.get("password", ""))
            case "mfa" | "stay" | "consent" | "confirm" | "return" as step:
                sign_in = next((sign_in for sign_in in browser.sign_ins if sign_in.user_id == form.get("user")), None)
                if sign_in and browser.has_sealed(form.get("ticket", ""), "ticket", interaction.action, sign_in.id):
                    return self._answered(browser, interaction, sign_in, step, form.get("answer", ""))
        return self.begin(browser, interaction)

    def _silently(self, interaction: Interaction, sign_ins: list[SignIn]) -> Response:
        """Answer an app that wants no page to be shown."""
        if len(sign_ins) != 1:
            return interaction.fail(EntraError(16000 if sign_ins else 50058))
        try:
            authorization.check_sign_in(interaction.request, sign_ins[0], context=self._context, now=self._clock.now())
        except EntraError as error:
            error.error = "consent_required" if error.code == _NO_CONSENT else "interaction_required"
            return interaction.fail(error)
        return interaction.succeed(sign_ins[0])

    def _choose(self, browser: Browser, interaction: Interaction, name: str) -> Response:
        """Go on with the account that the person chose: to its password, unless it is signed in."""
        request = interaction.request
        try:
            user = users.find_by_name(self._directory, name, tenant=request.tenant)
            self._check_tenant(request, user)
        except EntraError as error:
            return self._accounts(browser, interaction, typed=name, problem=error.text)
        signed_in = [item for item in self._usable(browser, request) if item.user_id == user.object_id]
        if signed_in and "login" not in request.prompt.split():
            return self._check(browser, interaction, signed_in[0], after="account")
        return pages.password(_form(browser, interaction), user.principal_name, "")

    def _password(self, browser: Browser, interaction: Interaction, name: str, password: str) -> Response:
        try:
            user = users.find_by_name(self._directory, name, tenant=interaction.request.tenant)
            self._check_tenant(interaction.request, user)
            users.check_password(user, password)
        except EntraError as error:
            return pages.password(_form(browser, interaction), name, error.text)
        sign_in = SignIn(user_id=user.object_id, auth_time=self._clock.now())
        browser.sign_in(sign_in)
        return self._check(browser, interaction, sign_in, after="password")

    def _answered(
        self, browser: Browser, interaction: Interaction, sign_in: SignIn, step: str, answer: str
    ) -> Response:
        """Go on after a page that is shown to a person who has signed in."""
        match step, answer:
            case "mfa", "approve":
                methods = tuple(dict.fromkeys((*sign_in.amr, "mfa")))
                sign_in = replace(sign_in, amr=methods, mfa_time=self._clock.now())
                browser.sign_in(sign_in)
                user = self._directory.user(sign_in.user_id)
                if user and user.mfa is Mfa.ENABLED:  # it was to be registered, and now is
                    self._directory.replace(user, mfa=Mfa.ENFORCED)
            case "stay", "yes":
                browser.stay_signed_in()
            case "consent", "accept":
                self._consent(interaction.request, sign_in)
                client = self._directory.principal(interaction.request.client.client_id)
                if isinstance(client, Application):
                    interaction = replace(interaction, request=replace(interaction.request, client=client))
            case ("stay", "no") | ("confirm", "continue") | ("return", "return"):
                pass
            case _:
                step = "account"
        return self._check(browser, interaction, sign_in, after=step)

    def _check(self, browser: Browser, interaction: Interaction, sign_in: SignIn, *, after: str) -> Response:
        """Show the page that is still needed after a step, or answer the app if none is."""
        request, missing = interaction.request, "consent" in interaction.request.prompt and after != "consent"
        form = _form(browser, interaction, sign_in)
        user = self._directory.user(sign_in.user_id)
        try:
            authorization.check_sign_in(request, sign_in, context=self._context, now=self._clock.now())
        except EntraError as error:
            if error.code in _MORE_PROOF and user:
                return pages.second_factor(form, user)
            if error.code == _TOO_LONG_AGO and user:
                return pages.password(_form(browser, interaction), user.principal_name, "")
            if error.code != _NO_CONSENT:
                return interaction.fail(error) if after == "return" else pages.error(error, form)
            missing = True
        if user is None:
            return self._accounts(browser, interaction)
        if after in ("password", "mfa") and not interaction.confirm:
            return pages.stay_signed_in(form, user)
        if missing:
            return pages.consent(form, user, _requested_scopes(self._directory.application_for_resource, request))
        if interaction.confirm and after != "confirm":
            return pages.confirm(form, user)
        return interaction.succeed(sign_in)

    def _consent(self, request: SignInRequest, sign_in: SignIn) -> None:
        user, target = self._directory.user(sign_in.user_id), request.access.resource
        names = _names(self._directory.application_for_resource(target), request)
        if user and names:
            self._directory.consent(request.client, target, names, user=user)

    def _accounts(self, browser: Browser, interaction: Interaction, *, typed: str = "", problem: str = "") -> Response:
        request = interaction.request
        hint = request.domain_hint.lower()
        listed = [
            user
            for user in self._directory.users()
            if self._may_sign_in(request, user)
            if hint in ("", "organizations", "consumers") or user.principal_name.lower().endswith(f"@{hint}")
        ]
        signed_in = [] if "login" in request.prompt.split() else self._usable(browser, request)
        return pages.account(
            _form(browser, interaction), listed, [sign_in.user_id for sign_in in signed_in], typed, problem
        )

    def _usable(self, browser: Browser, request: SignInRequest) -> list[SignIn]:
        """Return the accounts that are signed in in the browser and may be used for the request."""
        usable = []
        for sign_in in browser.sign_ins:
            user = self._directory.user(sign_in.user_id)
            if user and user.enabled and not user.locked and sign_in.auth_time >= user.tokens_valid_from:
                usable += [sign_in] * self._may_sign_in(request, user)
        return usable

    def _may_sign_in(self, request: SignInRequest, user: User) -> bool:
        try:
            self._check_tenant(request, user)
        except EntraError:
            return False
        return True

    def _check_tenant(self, request: SignInRequest, user: User) -> None:
        users.tenant_of(
            self._directory,
            user,
            tenant=request.tenant,
            tenant_name=request.tenant_name,
            client_id=request.client.client_id,
        )


def _form(browser: Browser, interaction: Interaction, sign_in: SignIn | None = None) -> pages.Form:
    return pages.Form(
        action=interaction.action,
        canary=browser.seal("canary", interaction.action),
        application=interaction.request.client.name,
        destination=interaction.destination,
        user=sign_in.user_id if sign_in else "",
        ticket=browser.seal("ticket", interaction.action, sign_in.id) if sign_in else "",
    )


def _names(target: Application | None, request: SignInRequest) -> tuple[str, ...]:
    """Return the scopes to consent to; `.default` stands for all that a user may give."""
    access = request.access
    if not access.is_default:
        return access.names
    if target and target.oauth2_permission_scopes:
        return tuple(scope for scope in target.oauth2_permission_scopes if scope not in target.admin_consent_scopes)
    return ("User.Read",) if is_graph(access.resource) else ("user_impersonation",)


def _requested_scopes(find: Callable[[str], Application | None], request: SignInRequest) -> list[str]:
    """Return what the consent page lists."""
    access = request.access
    prefix = "" if access.resource == GRAPH else f"{access.resource.rstrip('/')}/"
    return [*(f"{prefix}{name}" for name in _names(find(access.resource), request)), *access.openid]
