"""An answer with any status and any body in place of the normal one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from werkzeug.wrappers import Response

from azcred_emulators.durations import Duration, as_header, in_seconds
from azcred_emulators.emulation.fault import Exchange, RequestFault
from azcred_emulators.emulation.request import check_status


@dataclass(frozen=True, slots=True, repr=False)
class Status(RequestFault):
    """An answer with this HTTP status.

    :param code: the status.
    :param retry_after: the header of that name: a timedelta, a text such as "2 s", or a number of seconds. Other text,
        such as an HTTP date, is sent as it is.
    :param body: text, or something that JSON can represent; by default an OAuth error named after the status.
    :param headers: more headers.
    :param content_type: by default that of JSON, or plain text if the body is text.
    :raises ValueError: the status or the duration is not valid.
    """

    code: int
    retry_after: Duration | None = field(default=None, kw_only=True)
    body: object = field(default=None, kw_only=True)
    headers: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    content_type: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_status(self.code)
        if self.retry_after is not None and not isinstance(self.retry_after, str):
            in_seconds(self.retry_after)  # raises ValueError for what is no duration

    @classmethod
    def outcome_with(cls, status: int | None) -> str | None:
        """Return "malformed" for a success, which holds no token."""
        return "malformed" if status is None or status < 300 else None

    def apply(self, exchange: Exchange) -> Response:
        """Answer without a look at the request."""
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = _retry_after(self.retry_after)
        if isinstance(self.body, str):
            body, content_type = self.body, self.content_type or "text/plain; charset=utf-8"
        else:
            body = json.dumps(_in_words(self.code) if self.body is None else self.body, separators=(",", ":"))
            content_type = self.content_type or "application/json; charset=utf-8"
        return Response(body, status=self.code, headers=headers, content_type=content_type)


def _retry_after(value: Duration) -> str:
    """Return the header's value: whole or broken seconds, or text that is no duration as it is."""
    try:
        return as_header(in_seconds(value))
    except ValueError:
        return str(value)


def _in_words(code: int) -> Mapping[str, str]:
    """Return the error that a status is by its name: 429 is `too_many_requests`."""
    phrase = next((status.phrase for status in HTTPStatus if status == code), "Unknown")
    return {"error": phrase.lower().replace(" ", "_"), "error_description": phrase}
