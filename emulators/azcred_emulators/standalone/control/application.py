"""The control API as a WSGI application in front of the emulators, on the HTTP port only."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.directory.serialization import read
from azcred_emulators.emulation.criteria import hint
from azcred_emulators.emulation.request import MAXIMUM_BODY, Request
from azcred_emulators.standalone.control import pages
from azcred_emulators.standalone.control.guard import ControlRejection, Guard
from azcred_emulators.standalone.control.operation import ControlRequest, Operation
from azcred_emulators.standalone.control.operations import OPERATIONS
from azcred_emulators.standalone.session import ServerSession, ServerSessions

_PREFIX = "/azcred"
_EXECUTABLES = f"{_PREFIX}/executables/"  # the launchers', which have a key of their own
_WITH_BODY = ("POST", "PUT", "PATCH")
_BY_NAME = {operation.name: operation for operation in OPERATIONS}
_RULES = Map(
    [
        Rule(f"{_PREFIX}/openapi.json", methods=["GET"], endpoint="openapi"),
        *(
            Rule(f"{_PREFIX}{operation.rule}", methods=[operation.method], endpoint=operation.name)
            for operation in OPERATIONS
        ),
    ],
    merge_slashes=False,
)
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ControlApplication:
    """Answers the requests for the server's own name; passes the others on to the emulators."""

    def __init__(self, session: ServerSession, server: ServerSessions, guard: Guard, emulators: Wsgi) -> None:
        self._session = session
        self._server = server
        self._guard = guard
        self._emulators = emulators

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if (path != "/" and not path.startswith(f"{_PREFIX}/")) or path.startswith(_EXECUTABLES):
            return self._emulators(environ, start_response)
        request = Request(environ)
        if not self._guard.knows(request):
            return self._emulators(environ, start_response)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            self._guard.check(request)
            if page := pages.answer(self._session, self._server, request):
                return page
            name, values = _RULES.bind("localhost").match(request.path, method=request.method)
            if name == "openapi":
                from azcred_emulators.standalone.control.openapi import document

                return _json(document(OPERATIONS))
            operation = _BY_NAME[name]
            _check_query(request, operation)
            body = _body(request, operation)
            result = operation.run(ControlRequest(self._session, self._server, request, values, body))
        except ControlRejection as error:
            return _json({"error": str(error)}, error.status, error.headers)
        except NotFound:
            return _json({"error": f"there is no {request.path}; {_PREFIX}/openapi.json says what there is"}, 404)
        except HTTPException as error:
            return _json({"error": error.description}, error.code or 400, getattr(error, "get_headers", lambda: [])())
        except (LookupError, ValueError, OverflowError, TypeError) as error:
            return _json({"error": str(error.args[0]) if error.args else "the request cannot be read"}, 400)
        return result if isinstance(result, Response) else _json(result, operation.status)


def _check_query(request: Request, operation: Operation) -> None:
    """Raise ValueError for a parameter that the operation does not know, or that is given twice."""
    for name, values in request.args.lists():
        if name not in operation.query:
            known = hint(name, operation.query) if operation.query else "there are none"
            raise ValueError(f"{operation.method} {_PREFIX}{operation.rule} has no parameter {name!r}; {known}")
        if len(values) > 1:
            raise ValueError(f"the parameter {name!r} is given {len(values)} times")


def _body(request: Request, operation: Operation) -> Any:
    """Return the body of a request: an object of the operation's type of body, or the JSON object.

    Raises ControlRejection if it is no JSON, ValueError if it has another form.
    """
    if operation.body is None:
        return None
    if request.mimetype != "application/json":  # which a page of another origin may not send without a preflight
        raise ControlRejection("the body must be JSON, and its Content-Type application/json", 415)
    if (request.content_length or 0) > MAXIMUM_BODY:
        raise ControlRejection(f"the body may have {MAXIMUM_BODY} bytes", 413)
    try:
        body = json.loads(request.get_data(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError("the body is no JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body if isinstance(operation.body, Mapping) else read(operation.body, body, "the body")


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _json(value: object, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    response = Response(json.dumps(value), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    for name, text in headers:
        if name in ("Allow", "WWW-Authenticate"):
            response.headers[name] = text
    return response
