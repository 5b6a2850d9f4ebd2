"""Error responses: an error's JSON, with the headers that every response of the token service has."""

import uuid
from collections.abc import Mapping

from werkzeug.wrappers import Response

from azcred_emulators.authority.errors.entra_error import EntraError, is_guid
from azcred_emulators.durations import as_header
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.tokens.layers import ANOTHER_TEST

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    "x-ms-ests-server": "2.1.22549.4 - EMULATED ProdSlices",
    "x-ms-clitelem": "1,0,0,,",
}


def error_response(request: Request, error: EntraError, *, now: float) -> Response:
    """Return the response with an error, and note it in the journal; `now` is epoch seconds."""
    # The code says what is wrong with a request, but for what Entra ID knows nothing of.
    request.details["error"] = error.text if ANOTHER_TEST in error.text else f"AADSTS{error.code}"
    trace_id = str(uuid.uuid4())
    correlation_id = request.headers.get("client-request-id") or request.args.get("client-request-id")
    body = error.body(
        now=now,
        trace_id=trace_id,
        correlation_id=correlation_id if correlation_id and is_guid(correlation_id) else str(uuid.uuid4()),
    )
    headers = {**HEADERS, "x-ms-request-id": trace_id}
    if error.retry_after is not None:
        headers["Retry-After"] = as_header(error.retry_after)
    return json_response(body, status=error.status, headers=headers)
