"""A request to an emulator, and answers in the form in which Microsoft's services write JSON."""

import json
from collections.abc import Mapping

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

MAXIMUM_BODY = 256 * 1024  # bytes; token requests with a certificate chain stay below 32 KiB


class Request(WerkzeugRequest):
    """A request to an emulator; `details` is what the handler tells the journal about it."""

    max_content_length = MAXIMUM_BODY
    max_form_memory_size = MAXIMUM_BODY

    def __init__(self, environ: dict[str, object]) -> None:
        super().__init__(environ)
        self.details: dict[str, object] = {}


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
