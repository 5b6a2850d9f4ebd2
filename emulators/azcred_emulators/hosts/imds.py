"""The Instance Metadata Service of virtual machines, scale sets, container instances and AKS nodes.

Sources: Microsoft's "How to use managed identities for Azure resources on an Azure VM to acquire an access
token"; recorded bodies; azure-identity 1.27 and msal 1.39 as clients.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from werkzeug.wrappers import Response

from azcred_emulators.clouds import IMDS_ADDRESS
from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.emulation.request import Request
from azcred_emulators.hosts.host import Host
from azcred_emulators.hosts.refusals import HostError, Problem, Refusal
from azcred_emulators.tokens import Token

# Newest first: the error for an unknown version names the first three.
API_VERSIONS = (
    "2025-04-07",
    "2024-07-17",
    "2024-03-15",
    "2023-11-15",
    "2023-07-01",
    "2021-12-13",
    "2021-11-15",
    "2021-11-01",
    "2021-10-01",
    "2021-05-01",
    "2021-03-01",
    "2021-02-01",
    "2021-01-01",
    "2020-12-01",
    "2020-10-01",
    "2020-09-01",
    "2020-07-15",
    "2020-06-01",
    "2019-11-01",
    "2019-08-15",
    "2019-08-01",
    "2019-06-04",
    "2019-06-01",
    "2019-04-30",
    "2019-03-11",
    "2019-02-01",
    "2018-10-01",
    "2018-04-02",
    "2018-02-01",
    "2017-12-01",
    "2017-10-01",
    "2017-08-01",
    "2017-04-02",
    "2017-03-01",
)

UNKNOWN_RESOURCE = (
    "AADSTS500011: The resource principal named {resource} was not found in the tenant named {tenant}. This can "
    "happen if the application has not been installed by the administrator of the tenant or consented to by any user "
    "in the tenant. You might have sent your authentication request to the wrong tenant."
)


class Imds(Host):
    """IMDS as far as it hands out tokens.

    The status 429 is documented, its body is not: it stands for one in the shape of the other errors. There is no
    Retry-After unless a fault asks for it.
    """

    name = "imds"
    path = "/metadata/identity/oauth2/token"
    api_versions: tuple[str, ...] = API_VERSIONS
    needs_metadata = True
    selectors: tuple[str, ...] = ("client_id", "object_id", "resource_id")
    further_problems: ClassVar[Collection[Problem]] = (Problem.FORWARDED,)
    preliminaries: ClassVar[Sequence[tuple[str, int]]] = (("probe", 400),)
    headers: ClassVar[Mapping[str, str]] = {"Server": "IMDS/150.870.65.1854"}
    refusals: ClassVar[Mapping[Problem, Refusal]] = {
        Problem.METADATA_HEADER: Refusal(400, "invalid_request", "Required metadata header not specified"),
        Problem.FORWARDED: Refusal(400, "invalid_request", "Requests with an X-Forwarded-For header are not allowed"),
        Problem.VERSION: Refusal(
            400,
            "",
            "Bad request. api-version is invalid or was not specified in the request. "
            "For more information refer to aka.ms/azureimds",
        ),
        Problem.NO_RESOURCE: Refusal(400, "invalid_request", "Required query variable 'resource' is missing"),
        Problem.UNKNOWN_RESOURCE: Refusal(400, "invalid_resource", UNKNOWN_RESOURCE),
        Problem.SEVERAL_IDENTITIES: Refusal(
            400,
            "invalid_request",
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the "
            "token request",
        ),
        Problem.NO_IDENTITY: Refusal(400, "invalid_request", "Identity not found"),
        Problem.IDENTITY_NOT_FOUND: Refusal(400, "invalid_request", "Identity not found"),
        Problem.THROTTLED: Refusal(429, "invalid_request", "Temporarily throttled, too many requests"),
        Problem.PATH: Refusal(404, "not_found", "The requested path does not exist"),
        Problem.METHOD: Refusal(405, "method_not_allowed", "The method is not allowed"),
        Problem.MALFORMED: Refusal(400, "invalid_request", "The request is malformed"),
    }

    def url(self, server_url: str) -> str:
        """Return the server's own: the path says that IMDS is meant, and .NET's client keeps no other path."""
        return server_url

    def variables(self, url: str) -> Mapping[str, str]:
        """Return what leads clients elsewhere than to the address that they know."""
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": url}

    def serves(self, host: str, path: str) -> bool:
        """Serve the well-known address, and the path alone for `AZURE_POD_IDENTITY_AUTHORITY_HOST`."""
        return host == IMDS_ADDRESS or path.lower().startswith("/metadata/")

    def answer(self, request: Request, path: str) -> Response:
        """Answer whatever the path's case: the JavaScript SDK lower-cases it, IMDS does not mind."""
        return super().answer(request, path.lower())

    @property
    def operations(self) -> Collection[str]:
        """What `operation` returns."""
        return {"probe", "token"}

    def is_absent(self, request: Request) -> bool:
        """Let a probe find nobody where this is hidden; a credential of the outer place has found it and asks on."""
        return self.is_hidden and self.operation(request) == "probe"

    def operation(self, request: Request) -> str:
        """Return "probe" for a request without the header, by which clients find out whether IMDS is there."""
        return "token" if request.headers.get("Metadata", "").lower() == "true" else "probe"

    def check(self, request: Request, parameters: Mapping[str, str]) -> None:
        """Raise HostError for a probe, and for what came through a proxy."""
        if self.operation(request) == "token" and "X-Forwarded-For" in request.headers:
            raise HostError(Problem.FORWARDED)
        super().check(request, parameters)

    def is_stale(self, token: Token, parameters: Mapping[str, str]) -> bool:
        """Tell whether the request has `bypass_cache=true`."""
        return parameters.get("bypass_cache", "").lower() == "true"

    def success(
        self, token: Token, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return the body whose values are all strings: the one form that every SDK reads."""
        return {
            "access_token": token.value,
            "client_id": identity.client_id,
            "expires_in": self.expires_in(token),
            "expires_on": str(token.expires_on),
            "ext_expires_in": self.expires_in(token),
            "not_before": str(token.not_before),
            "resource": resource,
            "token_type": "Bearer",
        }

    def error_body(self, code: str, message: str, status: int) -> Mapping[str, object]:
        """Return OAuth's two fields; for an unknown version the body recorded from a virtual machine."""
        if not code:
            return {"error": message, "newest-versions": API_VERSIONS[:3]}
        return {"error": code, "error_description": message}
