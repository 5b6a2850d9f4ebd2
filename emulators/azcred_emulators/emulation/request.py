"""A request to an emulator, and answers in the form in which Microsoft's services write JSON."""

import difflib
import json
from collections.abc import Mapping

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # RFC 9110 and RFC 5789
MAXIMUM_BODY = 256 * 1024  # bytes; token requests with a certificate chain stay below 32 KiB


class Request(WerkzeugRequest):
    """A request to an emulator; `details` is what the handler tells the journal about it."""

    max_content_length: int | None = MAXIMUM_BODY
    max_form_memory_size: int | None = MAXIMUM_BODY

    def __init__(self, environ: dict[str, object]) -> None:
        super().__init__(environ)
        self.details: dict[str, object] = {}


def check_method(method: str) -> None:
    """Raise ValueError for what is no method of HTTP, in capitals or not."""
    if method.upper() not in METHODS:
        near = difflib.get_close_matches(method.upper(), METHODS, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(METHODS)}"
        raise ValueError(f"there is no method {method!r}; {hint}")


def check_status(status: int) -> None:
    """Raise ValueError for what is no status of an answer."""
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"an answer has a status from 200 to 599, not {status!r}")


def json_response(
    payload: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON answer in the compact form in which Microsoft's services write it."""
    return Response(
        json.dumps(payload, separators=(",", ":")),
        status=status,
        headers=headers,
        content_type="application/json; charset=utf-8",
    )
