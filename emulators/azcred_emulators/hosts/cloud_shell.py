"""The token endpoint of Cloud Shell, which hands out tokens of the user who has opened it.

Sources: azure-identity 1.27, msal 1.39 and msal4j 1.23 (which sends GET) as clients; recorded bodies (Azure/CloudShell
issues 109, 351 and 477, where one is the answer to GET).
"""

from collections.abc import Collection, Mapping
from typing import ClassVar

from azcred_emulators.clock import Clock
from azcred_emulators.directory import Application, Directory, User
from azcred_emulators.directory.identifiers import USER_ID
from azcred_emulators.emulation.request import Request
from azcred_emulators.hosts.endpoint import SELECTORS, Endpoint, Machine
from azcred_emulators.hosts.refusals import HostError, Problem, Refusal
from azcred_emulators.tokens import Token, Tokens
from azcred_emulators.tokens.access import Delegation, SignIn

# The application by which the portal acts for its users, whose id Cloud Shell's tokens carry.
PORTAL = "b677c290-cf4b-4a8e-a60e-91ba650a4abe"
# From a recorded refusal of 2023; the list has grown since.
AUDIENCES = (
    "https://management.core.windows.net/",
    "https://management.azure.com/",
    "https://graph.windows.net/",
    "https://vault.azure.net",
    "https://datalake.azure.net/",
    "https://outlook.office365.com/",
    "https://graph.microsoft.com/",
    "https://batch.core.windows.net/",
    "https://analysis.windows.net/powerbi/api",
    "https://storage.azure.com/",
    "https://rest.media.azure.net",
    "https://api.loganalytics.io",
    "https://ossrdbms-aad.database.windows.net",
    "https://www.yammer.com",
    "https://digitaltwins.azure.net",
    "0b07f429-9f4b-4714-9392-cc5e8e80c8b0",
    "822c8694-ad95-4735-9c55-256f7db2f9b4",
    "https://dev.azuresynapse.net",
    "https://database.windows.net",
    "https://quantum.microsoft.com",
)
_SUPPORTED = {audience.rstrip("/").lower() for audience in AUDIENCES}
_EARLY = 300  # seconds before its end that a token is renewed


class CloudShell(Endpoint):
    """The endpoint of the console, for `user`, a principal name or object id of the directory.

    It has no other identity, so a request that names one is refused. The texts of refusals other than that of an
    audience are not recorded anywhere, nor is a 429: it has the shape of the other errors.
    """

    name = "cloud-shell"
    path = "/oauth2/token"
    methods: tuple[str, ...] = ("GET", "POST")
    needs_metadata = True
    refusals: ClassVar[Mapping[Problem, Refusal]] = {
        Problem.METADATA_HEADER: Refusal(400, "InvalidRequest", "Required metadata header not specified"),
        Problem.NO_RESOURCE: Refusal(400, "InvalidRequest", "Required parameter 'resource' is missing"),
        Problem.UNKNOWN_RESOURCE: Refusal(
            400,
            "AudienceNotSupported",
            "Audience {resource} is not a supported MSI token audience. Supported audiences: " + ",".join(AUDIENCES),
        ),
        Problem.SELECTOR: Refusal(400, "InvalidRequest", "Cloud Shell has no managed identities to choose from"),
        Problem.NO_IDENTITY: Refusal(401, "Unauthorized", "The user of this session cannot sign in"),
        Problem.THROTTLED: Refusal(429, "TooManyRequests", "Too many requests"),
        Problem.PATH: Refusal(404, "NotFound", "The requested path does not exist"),
        Problem.METHOD: Refusal(405, "MethodNotAllowed", "The method is not allowed"),
        Problem.MALFORMED: Refusal(400, "InvalidRequest", "The request is malformed"),
    }
    further_problems: ClassVar[Collection[Problem]] = (Problem.SELECTOR,)
    user: str = USER_ID

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock, machine: Machine) -> None:
        super().__init__(directory, tokens, clock, machine)
        self._cache: dict[tuple[User, str], Token] = {}

    def variables(self, url: str) -> Mapping[str, str]:
        """Return those of the console."""
        return {
            "ACC_CLOUD": "PROD",
            "AZUREPS_HOST_ENVIRONMENT": "cloud-shell/1.0",
            "MSI_ENDPOINT": f"{url}{self.path}",
        }

    def grant(self, request: Request, parameters: Mapping[str, str]) -> Mapping[str, object]:
        """Return the body with the user's token; raises HostError."""
        resource = parameters["resource"]
        if any(parameters.get(name) for spellings in SELECTORS.values() for name in spellings):
            raise HostError(Problem.SELECTOR)
        user = self.directory.user(self.user)
        if user is None or not user.enabled or user.locked:
            raise HostError(Problem.NO_IDENTITY)
        request.details.update(tenant=user.tenant_id, client_id=PORTAL, identity=user.principal_name)
        if resource.rstrip("/").lower() not in _SUPPORTED:
            raise HostError(Problem.UNKNOWN_RESOURCE)
        token = self._token(user, resource)
        request.details["claims"] = token.claims
        return {
            "access_token": token.value,
            "refresh_token": "",
            "expires_in": self.expires_in(token),
            "expires_on": str(token.expires_on),
            "not_before": str(token.not_before),
            "resource": resource,
            "token_type": "Bearer",
        }

    def describe(self, request: Request, path: str) -> None:
        """Note whose token is asked for, too."""
        super().describe(request, path)
        if user := self.directory.user(self.user):
            request.details.update(tenant=user.tenant_id, client_id=PORTAL, identity=user.principal_name)

    def error_body(self, code: str, message: str, status: int) -> Mapping[str, object]:
        """Return the body of the console's service."""
        return {"error": {"code": code, "message": message}}

    def reset(self) -> None:
        """Forget the tokens and the user whom the test has put there."""
        self.user = USER_ID
        self._cache.clear()

    def _token(self, user: User, resource: str) -> Token:
        """Return a token from the cache, or a new one if the last is within five minutes of its end."""
        token = self._cache.get((user, resource))
        now = self._clock.now()
        if token is None or now > token.expires_on - _EARLY:
            portal = Application(name="Azure Portal", tenant_id=user.tenant_id, client_id=PORTAL)
            token = self._cache[user, resource] = self._tokens.delegated(
                Delegation(
                    user=user,
                    client=portal,
                    sign_in=SignIn(user_id=user.object_id, auth_time=now),
                    tenant_id=user.tenant_id,
                    resource=resource,
                    scopes=("user_impersonation",),
                    target=self.directory.application_for_resource(resource),
                )
            )
        return token
