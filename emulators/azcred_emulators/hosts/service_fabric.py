"""The managed identity endpoint of a Service Fabric cluster, which clients know by its certificate's thumbprint.

Source: Microsoft's "How to leverage a Service Fabric application's managed identity to access Azure services", whose
table of error codes names no statuses; azure-identity 1.27 and msal 1.39 as clients.
"""

import hashlib
from collections.abc import Mapping
from typing import ClassVar

from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.hosts.endpoint import correlation_id
from azcred_emulators.hosts.host import Host
from azcred_emulators.hosts.refusals import Problem, Refusal
from azcred_emulators.tokens import Token

_NOT_FOUND = Refusal(404, "ManagedIdentityNotFound", "Managed identity not found for the specified application host.")


class ServiceFabric(Host):
    """The endpoint of an application with a managed identity: one, which no request can choose.

    Its 429 is documented nowhere; it has the shape of the other errors.
    """

    name = "service-fabric"
    path = "/metadata/identity/oauth2/token"
    api_versions: tuple[str, ...] = ("2019-07-01-preview", "2020-05-01")
    secret_header: str | None = "Secret"
    uses_tls = True
    refusals: ClassVar[Mapping[Problem, Refusal]] = {
        Problem.SECRET: Refusal(400, "SecretHeaderNotFound", "Secret is not found in the request headers."),
        Problem.VERSION: Refusal(
            400,
            "InvalidApiVersion",
            "The api-version '{version}' is not supported. Supported version is '2019-07-01-preview'.",
        ),
        Problem.NO_RESOURCE: Refusal(
            400, "ArgumentNullOrEmpty", "The parameter 'resource' should not be null or empty string."
        ),
        Problem.UNKNOWN_RESOURCE: Refusal(500, "InternalServerError", "An error occurred."),
        Problem.SELECTOR: _NOT_FOUND,
        Problem.SEVERAL_IDENTITIES: _NOT_FOUND,
        Problem.NO_IDENTITY: _NOT_FOUND,
        Problem.IDENTITY_NOT_FOUND: _NOT_FOUND,
        Problem.THROTTLED: Refusal(429, "TooManyRequests", "Too many requests."),
        Problem.PATH: Refusal(404, "NotFound", "The requested path does not exist."),
        Problem.METHOD: Refusal(405, "MethodNotAllowed", "The method is not allowed."),
        Problem.MALFORMED: Refusal(400, "BadRequest", "The request is malformed."),
    }

    def variables(self, url: str) -> Mapping[str, str]:
        """Return the variables of a service with an identity."""
        return {
            "IDENTITY_API_VERSION": "2019-07-01-preview",
            "IDENTITY_ENDPOINT": f"{url}{self.path}",
            "IDENTITY_HEADER": self.machine.secret,
            "IDENTITY_SERVER_THUMBPRINT": self.machine.thumbprint,
        }

    def capabilities(self, parameters: Mapping[str, str]) -> tuple[str, ...]:
        """Return what `xms_cc` lists: this is the one host that SDKs send it to."""
        return tuple(filter(None, parameters.get("xms_cc", "").split(",")))

    def is_stale(self, token: Token, parameters: Mapping[str, str]) -> bool:
        """Tell whether this is the token that a service has refused with a claims challenge."""
        return hashlib.sha256(token.value.encode()).hexdigest() == parameters.get("token_sha256_to_refresh")

    def success(
        self, token: Token, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return a body with the expiry as a number."""
        return {
            "token_type": "Bearer",
            "access_token": token.value,
            "expires_on": token.expires_on,
            "resource": resource,
        }

    def error_body(self, code: str, message: str, status: int) -> Mapping[str, object]:
        """Return the body of the documentation."""
        return {"error": {"correlationId": correlation_id(), "code": code, "message": message}}
