"""How services refuse a token, or somebody who may not do what they ask: a form for each family of services.

Sources: what azure-core 1.41, azure-keyvault-secrets 4.12, azure-storage-blob 12.31, azure-containerregistry 1.2 and
the Azure SDKs for .NET and JavaScript read; recordings in the SDKs' repositories; for Cosmos DB and Batch the errors
that users quote in their issues. Storage's names and values are not quoted; a client that finds quotes there fails.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from azcred_emulators.emulation.request import json_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that is refused, with status 401 for its token or 403 for whose it is.

    `error` is RFC 6750's, empty if there was no token; `reason` says it in a sentence. `audience` is the host's first,
    `authority` the URL of its cloud's token service. `claims` are what the next token must have, in Base64.
    """

    status: int
    reason: str
    host: str
    path: str
    audience: str
    authority: str
    tenant_id: str
    error: str = ""
    claims: str | None = None

    @property
    def authorization_uri(self) -> str:
        """Where clients get tokens of the host's tenant."""
        return f"{self.authority}/{self.tenant_id}/oauth2/authorize"

    def challenge(self, *parts: str, error: bool = True) -> Mapping[str, str]:
        """Return the header of a 401: these parameters, or the claims that are demanded."""
        if self.status != 401:
            return {}
        if self.claims:
            parts = ('realm=""', f'authorization_uri="{self.authorization_uri}"', f'error="{self.error}"')
            return {"WWW-Authenticate": f'Bearer {", ".join(parts)}, claims="{self.claims}"'}
        if self.error and error:
            parts = (*parts, f'error="{self.error}"', f'error_description="{self.reason}"')
        return {"WWW-Authenticate": f"Bearer {', '.join(parts)}"}


Form = Callable[[Refusal], Response]


def _json_error(refusal: Refusal, unauthorized: str, forbidden: str, headers: Mapping[str, str]) -> Response:
    code = unauthorized if refusal.status == 401 else forbidden
    body = {"error": {"code": code, "message": refusal.reason}}
    return json_response(body, status=refusal.status, headers=headers)


def _api(refusal: Refusal) -> Response:
    uri, audience = f'authorization_uri="{refusal.authorization_uri}"', f'resource_id="{refusal.audience}"'
    return _json_error(refusal, "Unauthorized", "Forbidden", refusal.challenge(uri, audience))


def _key_vault(refusal: Refusal) -> Response:
    tenant = f'authorization="{refusal.authority}/{refusal.tenant_id}"'
    headers = refusal.challenge(tenant, f'resource="{refusal.audience}"')
    if refusal.status == 401:
        body: dict[str, object] = {"code": "Unauthorized", "message": f"AKV10000: {refusal.reason}"}
    else:
        message = f"Caller is not authorized to perform action on resource.\n{refusal.reason}"
        body = {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByRbac"}}
    return json_response({"error": body}, status=refusal.status, headers=headers)


def _storage_headers(refusal: Refusal, code: str) -> Mapping[str, str]:
    headers = {"x-ms-error-code": code, "x-ms-request-id": str(uuid.uuid4()), "x-ms-version": "2025-11-05"}
    if refusal.claims:
        return {**headers, **refusal.challenge()}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = (
            f"Bearer authorization_uri={refusal.authorization_uri} resource_id={refusal.audience}"
        )
    return headers


def _storage_code(refusal: Refusal) -> tuple[str, str]:
    if refusal.status == 403:
        return "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using"
    if not refusal.error:
        return "NoAuthenticationInformation", "Server failed to authenticate the request."
    return "InvalidAuthenticationInfo", "Server failed to authenticate the request."


def _storage(refusal: Refusal) -> Response:
    code, message = _storage_code(refusal)
    message = f"{message} this permission." if refusal.status == 403 else message
    body = (
        f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message>'
        f"<AuthenticationErrorDetail>{escape(refusal.reason)}</AuthenticationErrorDetail></Error>"
    )
    headers = _storage_headers(refusal, code)
    return Response(body, status=refusal.status, headers=headers, content_type="application/xml")


def _tables(refusal: Refusal) -> Response:
    code, _ = _storage_code(refusal)
    body = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": refusal.reason}}}
    return json_response(body, status=refusal.status, headers=_storage_headers(refusal, code))


def _container_registry(refusal: Refusal) -> Response:
    parts = refusal.path.strip("/").split("/")
    name = parts[2] if parts[:2] == ["acr", "v1"] and len(parts) > 2 else "/".join(parts[1:-2])
    scope = "registry:catalog:*" if name in ("", "_catalog") else f"repository:{name}:pull"
    realm = f'realm="https://{refusal.host}/oauth2/token"'
    # Its client reads no space after a comma.
    parameters = f'{realm},service="{refusal.host}",scope="{scope}"' + (
        f',error="{refusal.error}"' if refusal.error else ""
    )
    headers = refusal.challenge(parameters, error=False)
    code = "UNAUTHORIZED" if refusal.status == 401 else "DENIED"
    body = {"errors": [{"code": code, "message": refusal.reason, "detail": [{"Type": "registry", "Name": "catalog"}]}]}
    return json_response(body, status=refusal.status, headers=headers)


def _app_configuration(refusal: Refusal) -> Response:
    response = Response(status=refusal.status)
    response.headers.pop("Content-Type", None)
    if refusal.claims:
        response.headers.update(refusal.challenge())
    elif refusal.status == 401:
        response.headers.add("WWW-Authenticate", "HMAC-SHA256")
        error = f' error="{refusal.error}", error_description="Authorization token failed validation"'
        response.headers.add("WWW-Authenticate", f"Bearer{error if refusal.error else ''}")
    return response


def _batch(refusal: Refusal) -> Response:
    code = "AuthenticationFailed" if refusal.status == 401 else "AuthorizationFailed"
    body = {
        "odata.metadata": f"https://{refusal.host}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors",
        "code": code,
        "message": {"lang": "en-US", "value": "Server failed to authenticate the request."},
        "values": [{"key": "AuthenticationErrorDetail", "value": refusal.reason}],
    }
    uri = f'authorization_uri="{refusal.authorization_uri}"'
    return json_response(body, status=refusal.status, headers=refusal.challenge(uri, f'resource="{refusal.audience}"'))


def _kusto(refusal: Refusal) -> Response:
    code = "Unauthorized" if refusal.status == 401 else "Forbidden"
    error = {"code": code, "message": refusal.reason, "@message": refusal.reason, "@permanent": True}
    uri = f'authorization_uri="{refusal.authorization_uri}"'
    headers = refusal.challenge(uri, f'resource_id="{refusal.audience}"')
    return json_response({"error": error}, status=refusal.status, headers=headers)


def _search(refusal: Refusal) -> Response:
    headers = refusal.challenge() if refusal.claims else {}
    return _json_error(refusal, "Unauthorized", "Forbidden", headers)


def _cosmos(refusal: Refusal) -> Response:
    headers = {"x-ms-activity-id": str(uuid.uuid4()), "x-ms-substatus": "0"}
    if refusal.status == 403:
        account = refusal.host.partition(".")[0]
        headers["x-ms-substatus"] = "5300"
        body = {"code": "Forbidden", "message": f"Request blocked by Auth {account} : {refusal.reason}"}
    else:
        body = {"code": "Unauthorized", "message": refusal.reason}
    return json_response(body, status=refusal.status, headers=headers)


def _resource_manager(refusal: Refusal) -> Response:
    tenant = f'authorization_uri="{refusal.authority}/{refusal.tenant_id}"'
    unauthorized = "InvalidAuthenticationToken" if refusal.error else "AuthenticationFailed"
    return _json_error(refusal, unauthorized, "AuthorizationFailed", refusal.challenge(tenant))


def _graph(refusal: Refusal) -> Response:
    parts = ('realm=""', f'authorization_uri="{refusal.authorization_uri}"')
    headers = refusal.challenge(*parts)
    return _json_error(refusal, "InvalidAuthenticationToken", "Authorization_RequestDenied", headers)


FORMS: Mapping[str, Form] = {
    "api": _api,
    "app-configuration": _app_configuration,
    "batch": _batch,
    "container-registry": _container_registry,
    "cosmos": _cosmos,
    "graph": _graph,
    "key-vault": _key_vault,
    "kusto": _kusto,
    "resource-manager": _resource_manager,
    "search": _search,
    "storage": _storage,
    "tables": _tables,
}


def without_body(response: Response) -> Response:
    """Return a refusal of a HEAD: with a type of content and no content, clients fail to read an error in it."""
    response.set_data(b"")
    response.headers.pop("Content-Type", None)
    return response
