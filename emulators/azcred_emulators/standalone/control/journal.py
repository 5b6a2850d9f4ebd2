"""The operations of the control API on the journal: what was asked, waiting for it, and assertions on it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from werkzeug.wrappers import Response

from azcred_emulators.clock import epoch_seconds
from azcred_emulators.emulation.criteria import CLOSED
from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.standalone.control.guard import ControlRejection
from azcred_emulators.standalone.control.operation import ControlRequest, Operation
from azcred_emulators.standalone.control.schemas import JournalAssertion

_PATIENCE, _LONGEST = 10, 60  # seconds that a request for the journal waits
_CRITERIA = ("provider", "host", "identity", "emulator", "operation", "resource", "tenant", "client_id", "status")
_AFTER = {"after": "integer"}
_QUERY: Mapping[str, str] = {
    **_AFTER,
    **{name: "integer" if name == "status" else "string" for name in _CRITERIA},
    "since": "string",
    "limit": "integer",
    "wait": "integer",
    "timeout": "integer",
}


def _read(request: ControlRequest) -> object:
    arguments = request.http.args
    criteria = {name: _criterion(name, arguments[name]) for name in _CRITERIA if name in arguments}
    since = epoch_seconds(arguments["since"]) if "since" in arguments else 0.0
    after, limit, wait = (number(request, name) for name in ("after", "limit", "wait"))
    timeout = number(request, "timeout", _PATIENCE)
    if timeout > _LONGEST:
        raise ValueError(f"the parameter 'timeout' is at most {_LONGEST} seconds")
    emulators = request.session.emulators

    def chosen() -> Sequence[JournalEntry]:
        found = emulators.journal.requests(**criteria)
        return [entry for entry in found if entry.number > after and entry.at >= since]

    def come() -> int:
        return sum(bool(entry.duration) for entry in chosen())  # those that have been answered

    if wait and not emulators.recorder.wait_until(lambda: come() >= wait, timeout):
        raise ControlRejection(f"{come()} of {wait} such requests had come after {timeout} seconds", 408)
    entries = chosen()
    return {"entries": [asdict(entry) for entry in (entries[:limit] if limit else entries)]}


def _criterion(name: str, text: str) -> object:
    """Return the value of a field that a query has; an empty one stands for a request without the field."""
    if name == "status" and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return text or None


def _assert(request: ControlRequest) -> object:
    body: JournalAssertion = request.body
    journal = request.session.emulators.journal
    given = [name for name in ("requests", "tokens", "providers") if getattr(body, name) is not None]
    if len(given) != 1:
        raise ValueError("an assertion is about one of 'requests', 'tokens' and 'providers'")
    try:
        if body.providers is not None:
            if body.times is not None:
                raise ValueError("'times' counts requests or tokens, not providers")
            journal.assert_providers(*body.providers)
        elif body.tokens is not None:
            journal.assert_tokens(times=body.times, **body.tokens)
        else:
            journal.assert_requests(times=body.times, **(body.requests or {}))
    except AssertionError as error:
        raise ControlRejection(str(error), 422) from None
    return {"holds": True}


def _list_values(request: ControlRequest) -> object:
    return {field: sorted(request.session.emulators.vocabulary(field)) for field in sorted(CLOSED)}


def _clear(request: ControlRequest) -> object:
    request.session.emulators.recorder.clear()
    return {"entries": []}


def _events(request: ControlRequest) -> Response:
    recorder = request.session.emulators.recorder
    last = request.http.headers.get("Last-Event-ID", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else number(request, "after")

    def stream() -> Any:
        for entry in recorder.follow(after):
            yield f"id: {entry.number}\ndata: {json.dumps(asdict(entry))}\n\n".encode() if entry else b": \n\n"

    return Response(stream(), content_type="text/event-stream", headers={"Cache-Control": "no-store"})


def number(request: ControlRequest, name: str, default: int = 0) -> int:
    """Return the number that a parameter of the query has; raises ValueError for anything else."""
    text = request.http.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"the parameter {name!r} must be a number")
    return int(text)


OPERATIONS = (
    Operation(
        "GET",
        "/journal",
        "journal",
        "The requests with these fields, in their order; `wait` is for so many, at most `timeout` seconds",
        _read,
        query=_QUERY,
    ),
    Operation(
        "POST",
        "/journal/assertions",
        "assertJournal",
        "Check how many requests or tokens there were, or which providers asked; 422 if it does not hold",
        _assert,
        body=JournalAssertion,
    ),
    Operation("GET", "/journal/values", "journalValues", "What the closed fields of requests can hold", _list_values),
    Operation("DELETE", "/journal", "clearJournal", "Empty the journal", _clear),
    Operation(
        "GET",
        "/journal/events",
        "journalEvents",
        "Every request as it is answered, as server-sent events",
        _events,
        query=_AFTER,
        media_type="text/event-stream",
    ),
)
