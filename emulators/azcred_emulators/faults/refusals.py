"""Faults of the token service alone: any refusal by its code, and throttling."""

import difflib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response

from azcred_emulators.authority.errors import ERRORS, EntraError
from azcred_emulators.authority.errors.responses import HEADERS, refuse
from azcred_emulators.authority.sign_in import pages
from azcred_emulators.emulation.fault import Exchange, RequestFault

_PREFIX = "AADSTS"
_SHOWN_AS_PAGE = ("authorize", "device-login")


@dataclass(frozen=True, slots=True, repr=False)
class Refuse(RequestFault):
    """Entra ID's refusal with this code, such as "AADSTS7000215", whatever the request deserves.

    `claims` is what the client must send with its next request, `suberror` the finer reason in place of the code's
    own, `retry_after` the seconds to wait before. At `/authorize` it is the page that shows the error.
    """

    code: str
    claims: Mapping[str, object] | None = field(default=None, kw_only=True)
    suberror: str | None = field(default=None, kw_only=True)
    retry_after: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.code not in _CODES:
            near = difflib.get_close_matches(self.code, _CODES, n=1, cutoff=0.7)
            hint = f"did you mean {near[0]!r}?" if near else "codes are like 'AADSTS7000215'."
            raise ValueError(f"Entra ID's emulator has no code {self.code!r}; {hint}")

    def apply(self, exchange: Exchange) -> Response:
        """Answer as the token service does when it finds this wrong itself."""
        details = exchange.request.details
        named: dict[str, Any] = {name: details[source] for name, source in _NAMED.items() if details.get(source)}
        error = EntraError(
            _CODES[self.code],
            suberror=self.suberror,
            claims=self.claims,
            retry_after=self.retry_after,
            **named,
        )
        if details.get("operation") in _SHOWN_AS_PAGE:
            details["error"] = self.code
            return pages.error(error)
        response = refuse(exchange.request, error, now=exchange.now)
        if origin := exchange.request.headers.get("Origin"):  # a page that would be let read it in most cases
            response.headers["Access-Control-Allow-Origin"] = origin
        return response


@dataclass(frozen=True, slots=True, repr=False)
class Throttle(RequestFault):
    """Entra ID's gateway while a client sends too much: 429 and, in seconds, when to come back.

    As recorded: "Too Many Requests" instead of JSON, and a minute. `Refuse("AADSTS90055")` is the token service's own
    word for it.
    """

    retry_after: int = 60

    def apply(self, exchange: Exchange) -> Response:
        """Answer without a look at the request."""
        headers = {**HEADERS, "x-ms-request-id": str(uuid.uuid4()), "Retry-After": str(self.retry_after)}
        return Response("Too Many Requests", status=429, headers=headers, content_type="text/plain; charset=utf-8")


_CODES = {f"{_PREFIX}{code}": code for code in ERRORS}
# What a code's text names, by the field of the request's entry in the journal that knows it.
_NAMED = {
    "client": "client_id",
    "grant": "grant",
    "name": "identity",
    "resource": "resource",
    "scope": "scope",
    "user": "identity",
}
