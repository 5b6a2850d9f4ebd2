"""The managed identity endpoint of Azure Machine Learning's compute.

Sources: azure-identity 1.27 and msal 1.39 as clients; error texts in azure-sdk-for-net issue 46932 and
azure-sdk-for-python issue 31071, whose statuses are not recorded.
"""

from collections.abc import Mapping
from typing import ClassVar

from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.hosts.host import Host
from azcred_emulators.hosts.refusals import Problem, Refusal
from azcred_emulators.tokens import Token

_NOT_FOUND = Refusal(404, "", "InternalError - :{{\nInfo: Request failure status code: 404\n\n}}")


class MachineLearning(Host):
    """The endpoint of compute with an identity. It refuses in plain text; a 429 is documented nowhere."""

    name = "machine-learning"
    path = "/MSI/token"
    api_versions: tuple[str, ...] = ("2017-09-01",)
    secret_header: str | None = "secret"
    selectors: tuple[str, ...] = ("client_id",)
    refusals: ClassVar[Mapping[Problem, Refusal]] = {
        Problem.SECRET: Refusal(401, "", "Invalid secret token header: ."),
        Problem.VERSION: Refusal(400, "", "Unsupported api-version."),
        Problem.NO_RESOURCE: Refusal(400, "", "Missing resource."),
        Problem.UNKNOWN_RESOURCE: Refusal(400, "", "InternalError - :{{\nInfo: Request failure status code: 400\n\n}}"),
        Problem.SELECTOR: _NOT_FOUND,
        Problem.SEVERAL_IDENTITIES: _NOT_FOUND,
        Problem.NO_IDENTITY: _NOT_FOUND,
        Problem.IDENTITY_NOT_FOUND: _NOT_FOUND,
        Problem.THROTTLED: Refusal(429, "", "Too many requests"),
        Problem.PATH: Refusal(404, "", "404 page not found"),
        Problem.METHOD: Refusal(405, "", "Method not allowed"),
        Problem.MALFORMED: Refusal(400, "", "Bad request"),
    }

    def variables(self, url: str) -> Mapping[str, str]:
        """Return those of the endpoint, and which identity the compute has."""
        identities = self.directory.assigned(self.name)
        default = {"DEFAULT_IDENTITY_CLIENT_ID": identities[0].client_id} if identities else {}
        return {"MSI_ENDPOINT": f"{url}{self.path}", "MSI_SECRET": self.machine.secret, **default}

    def success(
        self, token: Token, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return a body with the expiry in epoch seconds, as text."""
        return {
            "access_token": token.value,
            "client_id": identity.client_id,
            "expires_on": str(token.expires_on),
            "resource": resource,
            "token_type": "Bearer",
        }

    def error_body(self, code: str, message: str, status: int) -> str:
        """Return the message alone."""
        return message
