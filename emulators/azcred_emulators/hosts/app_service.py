"""The managed identity endpoint of App Service, Functions and Container Apps.

Sources: Microsoft's "How to use managed identities for App Service and Azure Functions" and "Managed identities in
Azure Container Apps"; recorded error bodies (azure-sdk-for-net issues 40848 and 44685). The status for a wrong secret
is not recorded anywhere; 401 stands for it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import ClassVar, Literal

from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.emulation.request import Request
from azcred_emulators.hosts.endpoint import correlation_id
from azcred_emulators.hosts.host import Host
from azcred_emulators.hosts.refusals import HostError, Problem, Refusal
from azcred_emulators.tokens import Token

_LEGACY = "2017-09-01"
_NOT_FOUND = "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."


class AppService(Host):
    """The endpoint in its version of 2019 and, for requests that name it, in that of 2017.

    `operating_system` decides how the version of 2017 writes dates; `sets_legacy_variables` whether the app finds
    `MSI_ENDPOINT` and `MSI_SECRET` as well, which Container Apps never had. The 429 is documented nowhere; it has the
    shape of the other errors.
    """

    name = "app-service"
    path = "/msi/token"
    api_versions: tuple[str, ...] = ("2019-08-01", _LEGACY)
    selectors: tuple[str, ...] = ("client_id", "object_id", "resource_id")
    headers: ClassVar[Mapping[str, str]] = {"Server": "Kestrel"}
    further_problems: ClassVar[Collection[Problem]] = (Problem.SECRET,)
    refusals: ClassVar[Mapping[Problem, Refusal]] = {
        Problem.SECRET: Refusal(401, "", "The secret header is missing or wrong."),
        Problem.VERSION: Refusal(400, "", "Unsupported API version."),
        Problem.NO_RESOURCE: Refusal(400, "", "The parameter 'resource' is missing."),
        Problem.UNKNOWN_RESOURCE: Refusal(500, "", "An unexpected error occured while fetching the AAD Token."),
        Problem.SEVERAL_IDENTITIES: Refusal(400, "", "Unable to load the proper Managed Identity."),
        Problem.NO_IDENTITY: Refusal(400, "", "Unable to load the proper Managed Identity."),
        Problem.IDENTITY_NOT_FOUND: Refusal(400, "", _NOT_FOUND),
        Problem.THROTTLED: Refusal(429, "", "Too many requests."),
        Problem.PATH: Refusal(404, "", "Not found."),
        Problem.METHOD: Refusal(405, "", "Method not allowed."),
        Problem.MALFORMED: Refusal(400, "", "Bad request."),
    }
    operating_system: Literal["linux", "windows"] = "linux"
    sets_legacy_variables = True

    def variables(self, url: str) -> Mapping[str, str]:
        """Return those of both versions, as the platform sets them."""
        variables = {"IDENTITY_ENDPOINT": f"{url}{self.path}", "IDENTITY_HEADER": self.machine.secret}
        if self.sets_legacy_variables:
            variables |= {"MSI_ENDPOINT": f"{url}{self.path}", "MSI_SECRET": self.machine.secret}
        return variables

    def check(self, request: Request, parameters: Mapping[str, str]) -> None:
        """Raise HostError unless the secret is in the version's own header, and version and resource are there."""
        header = "Secret" if parameters.get("api-version") == _LEGACY else "X-IDENTITY-HEADER"
        if request.headers.get(header) != self.machine.secret:
            raise HostError(Problem.SECRET)
        super().check(request, parameters)

    def success(
        self, token: Token, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return a body without `expires_in`, with the expiry as text."""
        legacy = parameters.get("api-version") == _LEGACY
        return {
            "access_token": token.value,
            "client_id": identity.client_id.upper(),
            "expires_on": self._date(token.expires_on) if legacy else str(token.expires_on),
            "resource": resource,
            "token_type": "Bearer",
        }

    def error_body(self, code: str, message: str, status: int) -> Mapping[str, object]:
        """Return the body that the platform's token service writes."""
        return {"statusCode": status, "message": message, "correlationId": correlation_id()}

    def _date(self, moment: int) -> str:
        """Return a moment as the version of 2017 writes it."""
        at = datetime.fromtimestamp(moment, timezone.utc)
        if self.operating_system == "linux":
            return at.strftime("%m/%d/%Y %H:%M:%S +00:00")
        return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {at:%p} +00:00"


class Functions(AppService):
    """The endpoint in Functions, the same as in App Service."""

    name = "functions"


class ContainerApps(AppService):
    """The endpoint in Container Apps, which has the variables of 2019 alone."""

    name = "container-apps"
    sets_legacy_variables = False
