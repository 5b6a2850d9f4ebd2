"""How Azure Storage refuses: codes with their messages, and the form of an error in each service.

Sources: "Common REST API error codes" and "Status and error codes" of Azure Storage; "Authorize with Microsoft Entra
ID (REST API)" for the challenge, whose values have no quotation marks; the errors of Azure Data Lake Storage are JSON.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from azcred_emulators.durations import as_header
from azcred_emulators.emulation.refusals import NamedRefusal, NamedRefusals
from azcred_emulators.emulation.request import Request

# Code: HTTP status and message. These can be asked for by name, with the fault `Refuse`.
REFUSALS: Mapping[str, tuple[int, str]] = {
    "InvalidAuthenticationInfo": (
        401,
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    ),
    "AuthenticationFailed": (
        403,
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
        "including the signature.",
    ),
    "AuthorizationFailure": (403, "This request is not authorized to perform this operation."),
    "AuthorizationPermissionMismatch": (
        403,
        "This request is not authorized to perform this operation using this permission.",
    ),
    "AccountIsDisabled": (403, "The specified account is disabled."),
    "PublicAccessNotPermitted": (409, "Public access is not permitted on this storage account."),
    "InternalError": (500, "The server encountered an internal error. Please retry the request."),
    "OperationTimedOut": (500, "The operation could not be completed within the permitted time."),
    "ServerBusy": (503, "The server is busy."),
}
_THROTTLING = "ServerBusy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a refused client is told to get a token by; `claims` is what it must ask for, in Base64."""

    tenant: str
    resource: str
    claims: str | None = None

    def __str__(self) -> str:
        authority = f"https://login.microsoftonline.com/{self.tenant}/oauth2/authorize"
        parts = [f"Bearer authorization_uri={authority}", f"resource_id={self.resource}"]
        if self.claims:
            parts += ["error=insufficient_claims", f"claims={self.claims}"]
        return " ".join(parts)


class StorageError(Exception):
    """A request that is refused. `status` and `message` are by default those of the code; `detail` is the reason."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        detail: str | None = None,
        challenge: Challenge | None = None,
    ) -> None:
        usual = REFUSALS.get(code, (400, ""))
        self.code = code
        self.status: int = status or usual[0]
        self.message: str = message or usual[1]
        self.detail = detail
        self.challenge = challenge
        super().__init__(f"{code}: {detail or self.message}")


def service_of(request: Request) -> str:
    """Return the service that a request is for, by its host name: "blob", "queue", "table" or "dfs"."""
    return request.host.lower().partition(".")[2].partition(".")[0]


def respond(request: Request, error: StorageError, *, retry_after: float | None = None) -> Response:
    """Return a refusal in the form of the service that the request is for, and tell the journal the reason."""
    request.details["error"] = str(error)
    request_id = str(uuid.uuid4())
    message = f"{error.message}\nRequestId:{request_id}\nTime:{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}0Z"
    content_type, body = _FORMS.get(service_of(request), _xml)(error, message)
    response = Response(body, status=error.status, content_type=content_type)
    if request.method == "HEAD":  # with a type and without a body, .NET's clients cannot read it
        del response.headers["Content-Type"]
    response.headers["x-ms-error-code"] = error.code
    response.headers["x-ms-request-id"] = request_id
    response.headers["x-ms-version"] = request.headers.get("x-ms-version", "2021-12-02")
    if error.challenge:
        response.headers["WWW-Authenticate"] = str(error.challenge)
    if retry_after is not None:
        response.headers["Retry-After"] = as_header(retry_after)
    return response


def _xml(error: StorageError, message: str) -> tuple[str, str]:
    detail = f"<AuthenticationErrorDetail>{escape(error.detail)}</AuthenticationErrorDetail>" if error.detail else ""
    inner = f"<Code>{error.code}</Code><Message>{escape(message)}</Message>{detail}"
    return "application/xml", f'<?xml version="1.0" encoding="utf-8"?><Error>{inner}</Error>'


def _odata(error: StorageError, message: str) -> tuple[str, str]:
    text = f"{error.detail}\n{message}" if error.detail else message
    inner = {"code": error.code, "message": {"lang": "en-US", "value": text}}
    return "application/json;odata=minimalmetadata;streaming=true;charset=utf-8", json.dumps({"odata.error": inner})


def _json(error: StorageError, message: str) -> tuple[str, str]:
    detail = {"detail": {"AuthenticationErrorDetail": error.detail}} if error.detail else {}
    return "application/json;charset=utf-8", json.dumps({"error": {"code": error.code, "message": message, **detail}})


_FORMS = {"table": _odata, "dfs": _json}


def _respond_by_name(request: Request, refusal: NamedRefusal) -> Response:
    return respond(request, StorageError(refusal.name), retry_after=refusal.retry_after)


NAMED_REFUSALS = NamedRefusals(names=REFUSALS.keys(), throttling=NamedRefusal(_THROTTLING), respond=_respond_by_name)
