"""The operations of the control API: a function each, in the table that the OpenAPI document is made from."""

import base64

from werkzeug.wrappers import Response

from azcred_emulators.apis.protected_resource import ProtectedResource
from azcred_emulators.apis.received_request import REQUEST_FIELDS
from azcred_emulators.clock import epoch_seconds
from azcred_emulators.directory.serialization import KINDS, fill_directory, write_directory
from azcred_emulators.directory.store import identifier
from azcred_emulators.emulation.criteria import hint
from azcred_emulators.emulators import no_emulator
from azcred_emulators.environments import ENVIRONMENTS, select
from azcred_emulators.faults.registry import write_fault
from azcred_emulators.standalone.configuration import add_fault, add_resource
from azcred_emulators.standalone.control.guard import ControlRejection
from azcred_emulators.standalone.control.journal import OPERATIONS as JOURNAL
from azcred_emulators.standalone.control.operation import ControlRequest, Operation
from azcred_emulators.standalone.control.schemas import (
    DIRECTORY,
    FAULT,
    RESOURCE,
    CertificateNames,
    ClockMove,
    DemandedClaims,
    EnvironmentNames,
    SessionName,
    TokenClaims,
)
from azcred_emulators.tokens import DEFECTS


def _health(request: ControlRequest) -> object:
    return request.session.describe()


def _ca(request: ControlRequest) -> Response:
    return Response(request.session.emulators.certificate_authority.pem, content_type="application/x-pem-file")


def _list_environments(request: ControlRequest) -> object:
    fields = ("name", "description", "provider", "host", "client_id", "user")
    active = [environment.name for environment in request.session.emulators.environments]
    rows = [
        {**{field: getattr(environment, field) for field in fields}, "active": environment.name in active}
        for environment in ENVIRONMENTS.values()
    ]
    return {"environments": rows}


def _enter(request: ControlRequest) -> object:
    return request.session.enter(select(*request.body.environments), request.body.environ)


def _read_directory(request: ControlRequest) -> object:
    return write_directory(request.session.emulators.directory)


def _write_directory(request: ControlRequest) -> object:
    fill_directory(request.session.emulators.directory, request.body)
    return _read_directory(request)


def _change_directory(request: ControlRequest) -> object:
    fill_directory(request.session.emulators.directory, request.body, keep=True)
    return _read_directory(request)


def _remove_entity(request: ControlRequest) -> object:
    kind, name = request.values["kind"], request.values["id"]
    if kind not in KINDS:
        raise ControlRejection(f"the directory has no {kind!r}; {hint(kind, KINDS)}", 404)
    directory = request.session.emulators.directory
    entities = [entity for entity in directory.content()[0] if isinstance(entity, KINDS[kind])]
    found = [entity for entity in entities if identifier(entity).lower() == name.lower()]
    if not found:
        raise ControlRejection(f"the directory has none of the {kind} with the id {name!r}", 404)
    directory.remove(found[0])
    return {"removed": identifier(found[0])}


def _read_clock(request: ControlRequest) -> object:
    return {"now": request.session.emulators.clock.now()}


def _move_clock(request: ControlRequest) -> object:
    duration, moment = request.body.advance, request.body.now
    if (duration is None) == (moment is None):
        raise ValueError("the clock moves either by a duration ('advance') or to a moment ('now')")
    if duration is not None:
        request.session.move_clock(duration.total_seconds())
    else:
        request.session.move_clock(epoch_seconds(moment) - request.session.emulators.clock.now())
    return _read_clock(request)


def _reset_clock(request: ControlRequest) -> object:
    request.session.emulators.clock.reset()
    return _read_clock(request)


def _list_faults(request: ControlRequest) -> object:
    scripts = request.session.emulators.faults()
    return {"faults": {name: [write_fault(fault) for fault in faults.unspent] for name, faults in scripts.items()}}


def _add_fault(request: ControlRequest) -> object:
    add_fault(request.session.emulators, request.body)
    return _list_faults(request)


def _clear_faults(request: ControlRequest) -> object:
    scripts = request.session.emulators.faults()
    name = request.http.args.get("emulator")
    if name is not None and name not in scripts:
        raise ControlRejection(str(no_emulator(name, scripts).args[0]), 404)
    for faults in scripts.values() if name is None else (scripts[name],):
        faults.clear()
    return _list_faults(request)


def _add_layer(request: ControlRequest) -> object:
    return {"layer": request.session.add_layer()}


def _remove_layer(request: ControlRequest) -> object:
    number = request.values["number"]
    if not (number.isascii() and number.isdigit() and request.session.remove_layer(int(number))):
        raise ControlRejection(f"there is no layer {number!r}", 404)
    return {"removed": number}


def _reset(request: ControlRequest) -> object:
    request.session.reset()
    return _health(request)


def _mint(request: ControlRequest) -> object:
    tokens = request.session.emulators.tokens
    defect, claims, version = request.body.defect, request.body.claims, request.body.version
    if defect is None:
        token = tokens.mint(claims, version=version)
        return {"token": token.value, "claims": dict(token.claims)}
    if defect not in DEFECTS:
        raise ValueError(f"there is no defect {defect!r}; there are {', '.join(DEFECTS)}")
    return {"token": tokens.forge(defect, claims, version=version), "claims": None}


def _issue(request: ControlRequest) -> object:
    if not request.body.names:
        raise ValueError("a certificate is for at least one name")
    chain, key = request.session.emulators.certificate_authority.issue(*request.body.names)
    return {"certificate": chain.decode(), "private_key": key.decode()}


def _add_resource(request: ControlRequest) -> object:
    return _described(add_resource(request.session.emulators, request.body))


def _resource(request: ControlRequest) -> ProtectedResource:
    host = request.values["host"].lower()
    if host not in request.session.emulators.resources.hosts:
        raise ControlRejection(f"there is no resource at {host!r}", 404)
    return request.session.emulators.resources.add(host)


def _described(resource: ProtectedResource) -> object:
    requests = [
        {
            **{name: getattr(each, name) for name in REQUEST_FIELDS},
            "headers": each.headers.to_wsgi_list(),
            "body": base64.b64encode(each.body).decode(),
        }
        for each in resource.requests
    ]
    described = {"url": resource.url, "audiences": resource.audiences, "content": resource.content}
    return {**described, "requests": requests}


def _read_resource(request: ControlRequest) -> object:
    return _described(_resource(request))


def _remove_resource(request: ControlRequest) -> object:
    host = request.values["host"]
    if not request.session.emulators.resources.remove(host):
        raise ControlRejection(f"there is no resource at {host!r}", 404)
    return {"removed": host}


def _revoke(request: ControlRequest) -> object:
    _resource(request).revoke()
    return _read_resource(request)


def _challenge(request: ControlRequest) -> object:
    _resource(request).challenge(request.body.claims)
    return _read_resource(request)


def _list_sessions(request: ControlRequest) -> object:
    return {"sessions": [session.describe() for session in list(request.server.sessions.values())]}


def _open_session(request: ControlRequest) -> object:
    return request.server.open(request.body.name).describe()


def _read_session(request: ControlRequest) -> object:
    name = request.values["name"]
    if name not in request.server.sessions:
        raise ControlRejection(f"there is no session {name!r}", 404)
    return request.server.sessions[name].describe()


def _close_session(request: ControlRequest) -> object:
    if not request.server.close(request.values["name"]):
        raise ControlRejection(f"there is no session {request.values['name']!r} that could be closed", 404)
    return {"closed": request.values["name"]}


OPERATIONS = (
    Operation("GET", "/health", "health", "Return whether the server is ready, and its addresses", _health),
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
        "Replace the current environments, and return the variables for a process there",
        _enter,
        body=EnvironmentNames,
    ),
    Operation("GET", "/directory", "directory", "Everything in the directory", _read_directory),
    Operation("PUT", "/directory", "replaceDirectory", "Replace the directory", _write_directory, body=DIRECTORY),
    Operation(
        "PATCH",
        "/directory",
        "changeDirectory",
        "Add entities, or replace those with the same ids",
        _change_directory,
        body=DIRECTORY,
    ),
    Operation(
        "DELETE",
        "/directory/<kind>/<id>",
        "removeEntity",
        "Remove one entity of the directory, and where it is assigned",
        _remove_entity,
    ),
    Operation("GET", "/clock", "clock", "The time of the emulators", _read_clock),
    Operation("POST", "/clock", "moveClock", "Move the clock", _move_clock, body=ClockMove),
    Operation("DELETE", "/clock", "resetClock", "Return to the machine's time", _reset_clock),
    Operation("GET", "/faults", "faults", "The faults that have not happened yet, by emulator", _list_faults),
    Operation(
        "POST", "/faults", "addFault", "Add a fault for the next requests to an emulator", _add_fault, body=FAULT
    ),
    Operation(
        "DELETE",
        "/faults",
        "clearFaults",
        "Remove the faults of an emulator, or every fault",
        _clear_faults,
        query={"emulator": "string"},
    ),
    *JOURNAL,
    Operation(
        "POST",
        "/layers",
        "addLayer",
        "Begin a layer: removing it undoes all changes from now on, except for the journal",
        _add_layer,
        status=201,
    ),
    Operation(
        "DELETE",
        "/layers/<number>",
        "removeLayer",
        "Undo all changes since a layer began, including those of the layers above it",
        _remove_layer,
    ),
    Operation("POST", "/reset", "reset", "Return to the state at the start", _reset),
    Operation(
        "POST",
        "/tokens",
        "mintToken",
        "Create a token with these claims, valid or with a defect",
        _mint,
        body=TokenClaims,
    ),
    Operation(
        "POST",
        "/certificates",
        "issueCertificate",
        "Create a certificate for your own server with these names",
        _issue,
        body=CertificateNames,
    ),
    Operation(
        "POST",
        "/resources",
        "addResource",
        "Put a protected resource at a real URL, or set its answers",
        _add_resource,
        body=RESOURCE,
    ),
    Operation("DELETE", "/resources/<host>", "removeResource", "Remove a resource with its answers", _remove_resource),
    Operation(
        "POST",
        "/resources/<host>/revocation",
        "revoke",
        "Refuse, at a resource, every token issued before now",
        _revoke,
    ),
    Operation(
        "POST",
        "/resources/<host>/challenge",
        "challenge",
        "Refuse, at a resource, every token issued before now, and demand claims of the next ones",
        _challenge,
        body=DemandedClaims,
    ),
    Operation(
        "GET",
        "/resources/<host>",
        "resource",
        "The content of a resource and the requests that it has received, their bodies in Base64",
        _read_resource,
    ),
    Operation("GET", "/sessions", "sessions", "The sessions of the server", _list_sessions),
    Operation(
        "POST",
        "/sessions",
        "openSession",
        "Open a session with its own ports, directory, clock, faults and journal",
        _open_session,
        body=SessionName,
        status=201,
    ),
    Operation("GET", "/sessions/<name>", "session", "Return the addresses of a session, and its counts", _read_session),
    Operation("DELETE", "/sessions/<name>", "closeSession", "End a session", _close_session),
)
