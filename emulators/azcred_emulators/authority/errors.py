"""Entra ID's errors: one table of AADSTS codes, and the JSON that carries them.

Codes, `error` values and statuses follow recorded responses and Microsoft's "Microsoft Entra authentication
and authorization error codes". Where neither shows a status, client authentication gives 401 and the rest 400.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timezone


@dataclass(frozen=True, slots=True)
class Aadsts:
    """One AADSTS code: the OAuth error it stands for, the HTTP status and the text, a format string."""

    error: str
    status: int
    text: str


ERRORS = {
    50012: Aadsts("invalid_client", 401, "Authentication failed."),
    50027: Aadsts("invalid_request", 400, "JWT token is invalid or malformed."),
    50049: Aadsts("invalid_instance", 400, "Unknown or invalid instance."),
    50059: Aadsts(
        "invalid_request",
        400,
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    70003: Aadsts("unsupported_grant_type", 400, "The app requested an unsupported grant type '{grant}'."),
    70011: Aadsts(
        "invalid_scope",
        400,
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
    ),
    90002: Aadsts(
        "invalid_request",
        400,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    90023: Aadsts("invalid_request", 400, "{reason}"),
    500011: Aadsts(
        "invalid_resource",
        400,
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    700016: Aadsts(
        "unauthorized_client",
        400,
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    700021: Aadsts(
        "invalid_request",
        400,
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
    700022: Aadsts(
        "invalid_request",
        400,
        "The provided value for the input parameter scope is not valid because it contains more than one resource.",
    ),
    700023: Aadsts("invalid_client", 401, "Client assertion audience claim does not match Realm issuer."),
    700024: Aadsts("invalid_client", 401, "Client assertion is not within its valid time range. {reason}"),
    700027: Aadsts("invalid_client", 401, "{reason}"),
    700211: Aadsts(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion issuer '{issuer}'. Check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
    700212: Aadsts(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion audience '{audience}'. Check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
    700213: Aadsts(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{subject}'. Check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
    900023: Aadsts(
        "invalid_request",
        400,
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    ),
    900144: Aadsts("invalid_request", 400, "The request body must contain the following parameter: '{parameter}'."),
    900561: Aadsts("invalid_request", 400, "The endpoint only accepts POST requests. Received a {method} request."),
    901002: Aadsts("invalid_request", 400, "The 'resource' request parameter is not supported."),
    9002313: Aadsts("invalid_request", 400, "Invalid request. Request is malformed or invalid."),
    1002012: Aadsts(
        "invalid_scope",
        400,
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    7000215: Aadsts(
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        "not the client secret ID, for a secret added to app '{client}'.",
    ),
    7000216: Aadsts(
        "invalid_client",
        401,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
    7000222: Aadsts("invalid_client", 401, "The provided client secret keys for app '{client}' are expired."),
    7002138: Aadsts(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{subject}'. The subject "
        "matches with case-insensitive comparison, but not with case-sensitive comparison. Check your federated "
        "identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
}


class EntraError(Exception):
    """A request that Entra ID refuses with an AADSTS code; `details` fill the code's text."""

    def __init__(self, code: int, *, error: str | None = None, **details: str) -> None:
        entry = ERRORS[code]
        self.code = code
        self.error = error or entry.error
        self.status = entry.status
        self.text = f"AADSTS{code}: {entry.text.format(**details)}"
        super().__init__(self.text)

    def body(self, *, now: float, trace_id: str, correlation_id: str) -> dict[str, object]:
        """Return the JSON body; `now` is epoch seconds, the ids are those of the response's headers."""
        moment = datetime.fromtimestamp(now, timezone.utc)
        timestamp = f"{moment:%Y-%m-%d %H:%M:%SZ}"
        return {
            "error": self.error,
            "error_description": (
                f"{self.text} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


def is_guid(text: str) -> bool:
    """Tell whether the text is a GUID in the hyphenated form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
