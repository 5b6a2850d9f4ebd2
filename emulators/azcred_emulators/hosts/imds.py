"""The Instance Metadata Service of virtual machines, scale sets, container instances and AKS nodes.

Sources: Microsoft's "How to use managed identities for Azure resources on an Azure VM to acquire an access
token"; recorded bodies; azure-identity 1.27 and msal 1.39 as clients.
"""

from collections.abc import Mapping

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.emulator import Request, json_response
from azcred_emulators.hosts import IMDS_ADDRESS
from azcred_emulators.hosts.host import Host, Selector, SeveralIdentities
from azcred_emulators.resources import is_known_resource

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


class Imds(Host):
    """IMDS as far as it hands out tokens."""

    name = "imds"
    resource_id = (
        "/subscriptions/33333333-3333-4333-8333-333333333333/resourcegroups/emulated"
        "/providers/Microsoft.Compute/virtualMachines/emulated-vm"
    )
    selectors = (
        Selector("client_id", "client_id"),
        Selector("clientid", "client_id"),
        Selector("object_id", "object_id"),
        Selector("principal_id", "object_id"),
        Selector("principalid", "object_id"),
        Selector("msi_res_id", "resource_id"),
        Selector("mi_res_id", "resource_id"),
        Selector("msi-res-id", "resource_id"),
        Selector("resource_id", "resource_id"),
    )
    # The JavaScript SDK writes the path with a slash at its end.
    rules = Map([Rule("/metadata/identity/oauth2/token", methods=["GET"], endpoint="token")], strict_slashes=False)

    def serves(self, host: str, path: str) -> bool:
        """Serve the well-known address, and the path alone for `AZURE_POD_IDENTITY_AUTHORITY_HOST`."""
        return host == IMDS_ADDRESS or path.lower().startswith("/metadata/")

    def answer(self, request: Request, path: str) -> Response:
        """Answer whatever the path's case: the JavaScript SDK lower-cases it, IMDS does not mind."""
        return super().answer(request, path.lower())

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a token request, or the probe that clients send without the header."""
        parameters = {name.lower(): value for name, value in request.args.items()}
        resource = parameters.get("resource", "")
        request.details.update(operation=endpoint, provider=self.provider, resource=resource or None)
        if request.headers.get("Metadata", "").lower() != "true":
            request.details["operation"] = "probe"
            return _error(request, "invalid_request", "Required metadata header not specified")
        if "X-Forwarded-For" in request.headers:
            return _error(request, "invalid_request", "Requests with an X-Forwarded-For header are not allowed")
        if parameters.get("api-version") not in API_VERSIONS:
            return _unknown_version(request)
        if not resource:
            return _error(request, "invalid_request", "Required query variable 'resource' is missing")
        try:
            identity = self.select(parameters)
        except SeveralIdentities:
            return _error(
                request,
                "invalid_request",
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the "
                "identity in the token request",
            )
        if identity is None:
            return _error(request, "invalid_request", "Identity not found")
        request.details.update(tenant=identity.tenant_id, client_id=identity.client_id, identity=identity.name)
        if not is_known_resource(resource, self.directory):
            return _error(
                request,
                "invalid_resource",
                f"AADSTS500011: The resource principal named {resource} was not found in the tenant named "
                f"{identity.tenant_id}. This can happen if the application has not been installed by the "
                "administrator of the tenant or consented to by any user in the tenant. You might have sent "
                "your authentication request to the wrong tenant.",
            )
        bypass_cache = parameters.get("bypass_cache", "").lower() == "true"
        return self._success(identity, resource, bypass_cache=bypass_cache)

    def _success(self, identity: ManagedIdentity, resource: str, *, bypass_cache: bool) -> Response:
        """Return the body whose values are all strings: the one form that every SDK reads."""
        token = self.token(identity, resource, bypass_cache=bypass_cache)
        expires_in = str(int(token.expires_on - self._clock.now()))
        return json_response(
            {
                "access_token": token.value,
                "client_id": identity.client_id,
                "expires_in": expires_in,
                "expires_on": str(token.expires_on),
                "ext_expires_in": expires_in,
                "not_before": str(token.not_before),
                "resource": resource,
                "token_type": "Bearer",
            },
            headers=_HEADERS,
        )

    def refuse(self, request: Request, error: HTTPException) -> Response:
        """Answer a request to no path of IMDS, or with another method than GET."""
        match error:
            case NotFound():
                return _error(request, "not_found", "The requested path does not exist", status=404)
            case MethodNotAllowed():
                return _error(request, "method_not_allowed", "The method is not allowed", status=405)
        return _error(request, "invalid_request", "The request is malformed", status=error.code or 400)


_HEADERS = {"Server": "IMDS/150.870.65.1854"}


def _error(request: Request, error: str, description: str, *, status: int = 400) -> Response:
    request.details["error"] = description
    return json_response({"error": error, "error_description": description}, status=status, headers=_HEADERS)


def _unknown_version(request: Request) -> Response:
    """Return the body recorded from a virtual machine for a request without a known version."""
    message = (
        "Bad request. api-version is invalid or was not specified in the request. "
        "For more information refer to aka.ms/azureimds"
    )
    request.details["error"] = message
    return json_response({"error": message, "newest-versions": API_VERSIONS[:3]}, status=400, headers=_HEADERS)
