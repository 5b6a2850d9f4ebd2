"""Refusals of the token service that a fault asks for by their codes, such as "AADSTS7000215"."""

from typing import Any

from werkzeug.wrappers import Response

from azcred_emulators.authority.errors import ERRORS, EntraError
from azcred_emulators.authority.errors.responses import error_response
from azcred_emulators.authority.sign_in import pages
from azcred_emulators.clock import Clock
from azcred_emulators.emulation.refusals import NamedRefusal, NamedRefusals
from azcred_emulators.emulation.request import Request

_SHOWN_AS_PAGE = ("authorize", "device-login")
_CODES = {f"AADSTS{code}": code for code in ERRORS}
# What a code's text names, by the field of the request's entry in the journal that knows it.
_NAMED = {
    "client": "client_id",
    "grant": "grant",
    "name": "identity",
    "resource": "resource",
    "scope": "scope",
    "user": "identity",
}


def named_refusals(clock: Clock) -> NamedRefusals:
    """Return every refusal of the token service.

    Throttling is its own 429, AADSTS90055. Its gateway was recorded to answer with the text "Too Many Requests" instead
    and to ask for a minute: `Status(429, body="Too Many Requests", retry_after=60)`. The minute is the default here.
    """
    return NamedRefusals(
        names=_CODES,
        throttling=NamedRefusal("AADSTS90055", retry_after=60),
        respond=lambda request, refusal: _respond(request, refusal, now=clock.now()),
        details=("claims", "retry_after", "suberror"),
    )


def _respond(request: Request, refusal: NamedRefusal, *, now: float) -> Response:
    """Answer as the token service does when it finds this wrong itself; `now` is epoch seconds."""
    details = request.details
    named: dict[str, Any] = {name: details[source] for name, source in _NAMED.items() if details.get(source)}
    error = EntraError(
        _CODES[refusal.name],
        suberror=refusal.suberror,
        claims=refusal.claims,
        retry_after=refusal.retry_after,
        **named,
    )
    if details.get("operation") in _SHOWN_AS_PAGE:
        details["error"] = refusal.name
        return pages.error(error)
    response = error_response(request, error, now=now)
    if origin := request.headers.get("Origin"):  # most pages may read the answer, so this one may
        response.headers["Access-Control-Allow-Origin"] = origin
    return response
