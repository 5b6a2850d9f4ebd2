"""Azure Resource Manager as far as tools ask for tenants and subscriptions when somebody signs in.

Source: "Subscriptions - List", "Subscriptions - Get" and "Tenants - List" of the REST API, version 2022-12-01.
"""

import uuid
from collections.abc import Mapping, Sequence

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.audiences import audiences_of
from azcred_emulators.clouds import RESOURCE_MANAGER_HOST
from azcred_emulators.directory import Directory, Subscription, Tenant
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.tokens import TokenRejected, Tokens
from azcred_emulators.tokens.layers import ANOTHER_TEST

AUDIENCES = audiences_of(RESOURCE_MANAGER_HOST)


class ResourceManagerError(Exception):
    """A request that is answered with an error of this status and code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ResourceManager(Emulator):
    """The tenants and subscriptions that the bearer of a token may see."""

    name = "resource-manager"
    rules: Map = Map(
        [
            Rule("/subscriptions", methods=["GET"], endpoint="subscriptions"),
            Rule("/subscriptions/<subscription_id>", methods=["GET"], endpoint="subscription"),
            Rule("/tenants", methods=["GET"], endpoint="tenants"),
        ]
    )

    def __init__(self, directory: Directory, tokens: Tokens) -> None:
        self._directory = directory
        self._tokens = tokens

    def serves(self, host: str, path: str) -> bool:
        """Serve Azure Resource Manager's real name."""
        return host.lower() == RESOURCE_MANAGER_HOST

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer the bearer of a valid token."""
        request.details["operation"] = endpoint
        try:
            claims = self._claims(request)
            request.details.update(tenant=claims["tid"], client_id=claims.get("appid"))
            if not request.args.get("api-version"):
                message = "The api-version query parameter (?api-version=) is required for all requests."
                raise ResourceManagerError(400, "MissingApiVersionParameter", message)
            if endpoint == "tenants":
                return _list([tenant_entry(tenant) for tenant in self._tenants(claims)])
            subscriptions = self._directory.subscriptions(str(claims["tid"]), str(claims.get("oid")))
            if endpoint == "subscriptions":
                return _list([subscription_entry(subscription) for subscription in subscriptions])
            subscription_id = values["subscription_id"]
            for subscription in subscriptions:
                if subscription.id.lower() == subscription_id.lower():
                    return json_response(subscription_entry(subscription))
            message = f"The subscription '{subscription_id}' could not be found."
            raise ResourceManagerError(404, "SubscriptionNotFound", message)
        except ResourceManagerError as error:
            return self._error_response(request, error.status, error.code, str(error))

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what is not emulated, and what HTTP rules out."""
        message = f"azcred emulates only tenants and subscriptions of Azure Resource Manager, not {request.path}"
        return self._error_response(request, error.code or 404, "NotFound", message)

    def _claims(self, request: Request) -> Mapping[str, object]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            message = "Authentication failed. The 'Authorization' header is missing."
            raise ResourceManagerError(401, "AuthenticationFailed", message)
        tenant_ids = [tenant.id for tenant in self._directory.tenants()]
        try:
            return self._tokens.check(token.strip(), audiences=AUDIENCES, tenant_ids=tenant_ids)
        except TokenRejected as rejected:
            code = {
                "audience": "InvalidAuthenticationTokenAudience",
                "expired": "ExpiredAuthenticationToken",
                "issuer": "InvalidAuthenticationTokenTenant",
            }.get(rejected.reason, "InvalidAuthenticationToken")
            reason = ANOTHER_TEST if rejected.reason == "another-test" else rejected.reason
            raise ResourceManagerError(401, code, f"The access token is invalid: {reason}.") from rejected

    def _tenants(self, claims: Mapping[str, object]) -> Sequence[Tenant]:
        user = self._directory.user(str(claims.get("oid")))
        if user:
            return self._directory.tenants_of(user)
        tenant = self._directory.tenant(str(claims["tid"]))
        return [tenant] if tenant else []

    def _error_response(self, request: Request, status: int, code: str, message: str) -> Response:
        request.details["error"] = f"{code}: {message}"
        headers = {"x-ms-request-id": str(uuid.uuid4())}
        if status == 401:
            headers["WWW-Authenticate"] = (
                'Bearer authorization_uri="https://login.microsoftonline.com/common", '
                f'error="invalid_token", error_description="{message}"'
            )
        return json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def subscription_entry(subscription: Subscription) -> dict[str, object]:
    """Return a subscription as the service writes it."""
    return {
        "id": f"/subscriptions/{subscription.id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant_id,
        "displayName": subscription.name,
        "state": subscription.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def tenant_entry(tenant: Tenant) -> dict[str, object]:
    """Return a tenant as the service writes it."""
    return {
        "id": f"/tenants/{tenant.id}",
        "tenantId": tenant.id,
        "countryCode": "US",
        "displayName": tenant.name,
        "domains": list(tenant.domains),
        "tenantCategory": "Home",
        "defaultDomain": tenant.domains[0] if tenant.domains else None,
        "tenantType": "AAD",
    }


def _list(entries: Sequence[Mapping[str, object]]) -> Response:
    return json_response({"value": list(entries), "count": {"type": "Total", "value": len(entries)}})
