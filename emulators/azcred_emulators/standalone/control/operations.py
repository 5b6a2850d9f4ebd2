"""What the control API can do: one function for each operation, in a table that the OpenAPI document is made from."""

import json
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from azcred_emulators.directory.serialization import fill_directory, write_directory
from azcred_emulators.emulation.request import Request
from azcred_emulators.environments import ENVIRONMENTS, select
from azcred_emulators.faults.registry import write_fault
from azcred_emulators.standalone.configuration import add_fault, add_resource
from azcred_emulators.standalone.control.guard import Forbidden
from azcred_emulators.standalone.control.schemas import (
    DIRECTORY,
    FAULT,
    RESOURCE,
    Certificate,
    ClockMove,
    Environments,
    Mint,
    NewSession,
)
from azcred_emulators.tokens import DEFECTS

if TYPE_CHECKING:
    from azcred_emulators.standalone.server import Session

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API: for which session, with which values in its path and which body."""

    session: "Session"
    request: Request
    values: Mapping[str, str]
    body: Body


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `body` is the type of what is sent, or its JSON schema if `run` reads it otherwise, None for nothing; `query` are
    the types of parameters.
    """

    method: str
    rule: str
    name: str
    summary: str
    run: Callable[[Call], object]
    _: KW_ONLY
    body: type[Any] | Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    media_type: str = "application/json"


def _health(call: Call) -> object:
    return call.session.describe()


def _ca(call: Call) -> Response:
    return Response(call.session.emulators.certificate_authority.pem, content_type="application/x-pem-file")


def _list_environments(call: Call) -> object:
    wanted = ("name", "description", "provider", "host", "client_id", "user")
    active = [environment.name for environment in call.session.emulators.environments]
    rows = [
        {name: getattr(one, name) for name in wanted} | {"active": one.name in active} for one in ENVIRONMENTS.values()
    ]
    return {"environments": rows}


def _enter(call: Call) -> object:
    environ = call.body.get("environ") or {}
    return call.session.enter(select(*call.body["names"]), environ)


def _read_directory(call: Call) -> object:
    return write_directory(call.session.emulators.directory)


def _write_directory(call: Call) -> object:
    fill_directory(call.session.emulators.directory, call.body)
    return _read_directory(call)


def _change_directory(call: Call) -> object:
    fill_directory(call.session.emulators.directory, call.body, keep=True)
    return _read_directory(call)


def _read_clock(call: Call) -> object:
    return {"now": call.session.emulators.clock.now()}


def _move_clock(call: Call) -> object:
    clock = call.session.emulators.clock
    advance, moment = call.body.get("advance"), call.body.get("now")
    given = [one for one in (advance, None if moment is None else moment - clock.now()) if one is not None]
    if len(given) != 1:
        raise ValueError("the clock moves either by seconds ('advance') or to epoch seconds ('now')")
    (seconds,) = given
    call.session.move_clock(seconds)
    return _read_clock(call)


def _reset_clock(call: Call) -> object:
    call.session.emulators.clock.reset()
    return _read_clock(call)


def _list_faults(call: Call) -> object:
    scripts = call.session.emulators.faults()
    return {"faults": {name: [write_fault(fault) for fault in faults.unspent] for name, faults in scripts.items()}}


def _add_fault(call: Call) -> object:
    add_fault(call.session.emulators, call.body)
    return _list_faults(call)


def _clear_faults(call: Call) -> object:
    for faults in call.session.emulators.faults().values():
        faults.clear()
    return _list_faults(call)


def _read_journal(call: Call) -> object:
    after = _number(call, "after")
    entries = [entry for entry in call.session.emulators.journal.requests() if entry.number > after]
    return {"entries": [asdict(entry) for entry in entries]}


def _clear_journal(call: Call) -> object:
    call.session.emulators.journal.clear()
    return {"entries": []}


def _events(call: Call) -> Response:
    journal = call.session.emulators.journal
    last = call.request.headers.get("Last-Event-ID", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else _number(call, "after")

    def stream() -> Any:
        for entry in journal.follow(after):
            yield f"id: {entry.number}\ndata: {json.dumps(asdict(entry))}\n\n".encode() if entry else b": \n\n"

    return Response(stream(), content_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _reset(call: Call) -> object:
    call.session.reset()
    return _health(call)


def _mint(call: Call) -> object:
    tokens = call.session.emulators.tokens
    defect, claims = call.body.get("defect"), call.body.get("claims", {})
    if defect is None:
        token = tokens.mint(claims)
        return {"token": token.value, "claims": dict(token.claims)}
    if defect not in DEFECTS:
        raise ValueError(f"there is no defect {defect!r}; there are {', '.join(DEFECTS)}")
    return {"token": tokens.forge(defect, claims), "claims": None}


def _issue(call: Call) -> object:
    if not call.body["names"]:
        raise ValueError("a certificate is for at least one name")
    chain, key = call.session.emulators.certificate_authority.issue(*call.body["names"])
    return {"certificate": chain.decode(), "private_key": key.decode()}


def _add_resource(call: Call) -> object:
    add_resource(call.session.emulators, call.body)
    return {"url": call.body["url"]}


def _revoke(call: Call) -> object:
    call.session.emulators.resources.add(call.values["host"]).revoke()
    return {"url": f"https://{call.values['host']}"}


def _list_sessions(call: Call) -> object:
    return {"sessions": [one.describe() for one in call.session.server.sessions.values()]}


def _open_session(call: Call) -> object:
    return call.session.server.open(call.body.get("name")).describe()


def _close_session(call: Call) -> object:
    if not call.session.server.close(call.values["name"]):
        raise Forbidden(f"there is no session {call.values['name']!r} that could be closed", 404)
    return {"closed": call.values["name"]}


def _number(call: Call, name: str) -> int:
    text = call.request.args.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"the parameter {name!r} must be a number")
    return int(text)


_AFTER = {"after": "integer"}
OPERATIONS = (
    Operation("GET", "/health", "health", "Whether it is ready, and where", _health),
    Operation(
        "GET",
        "/ca",
        "certificateAuthority",
        "The certificate authority to trust, in PEM form",
        _ca,
        media_type="application/x-pem-file",
    ),
    Operation("GET", "/environments", "environments", "The table of environments", _list_environments),
    Operation(
        "PUT",
        "/environments",
        "enterEnvironments",
        "Put environments in the place of the present ones; returns the variables of a process there",
        _enter,
        body=Environments,
    ),
    Operation("GET", "/directory", "directory", "Everything in the directory", _read_directory),
    Operation(
        "PUT", "/directory", "replaceDirectory", "Put another directory in its place", _write_directory, body=DIRECTORY
    ),
    Operation(
        "PATCH",
        "/directory",
        "changeDirectory",
        "Add entities, or put them in the place of those with the same ids",
        _change_directory,
        body=DIRECTORY,
    ),
    Operation("GET", "/clock", "clock", "The time that the emulators go by", _read_clock),
    Operation("POST", "/clock", "moveClock", "Move the clock", _move_clock, body=ClockMove),
    Operation("DELETE", "/clock", "resetClock", "Return to the machine's time", _reset_clock),
    Operation("GET", "/faults", "faults", "What is still to go wrong, by emulator", _list_faults),
    Operation(
        "POST", "/faults", "addFault", "Let the next requests to an emulator meet a fault", _add_fault, body=FAULT
    ),
    Operation("DELETE", "/faults", "clearFaults", "Forget every fault", _clear_faults),
    Operation("GET", "/journal", "journal", "Every request, or those with higher numbers", _read_journal, query=_AFTER),
    Operation("DELETE", "/journal", "clearJournal", "Empty the journal", _clear_journal),
    Operation(
        "GET",
        "/journal/events",
        "journalEvents",
        "Every request as it is answered, as server-sent events",
        _events,
        query=_AFTER,
        media_type="text/event-stream",
    ),
    Operation("POST", "/reset", "reset", "Return to the state at the start", _reset),
    Operation(
        "POST", "/tokens", "mintToken", "Make a token with these claims, sound or with a defect", _mint, body=Mint
    ),
    Operation(
        "POST",
        "/certificates",
        "issueCertificate",
        "Make a certificate for a server of one's own under these names",
        _issue,
        body=Certificate,
    ),
    Operation(
        "POST",
        "/resources",
        "addResource",
        "Put a protected resource at a real URL, or set its answers",
        _add_resource,
        body=RESOURCE,
    ),
    Operation(
        "POST",
        "/resources/<host>/revocation",
        "revoke",
        "Take no token of a resource any more that was issued before",
        _revoke,
    ),
    Operation("GET", "/sessions", "sessions", "The sessions of the server", _list_sessions),
    Operation(
        "POST",
        "/sessions",
        "openSession",
        "Open a session of one's own, with ports, directory, clock, faults and journal",
        _open_session,
        body=NewSession,
        status=201,
    ),
    Operation("DELETE", "/sessions/<name>", "closeSession", "End a session", _close_session),
)
