"""What all token endpoints of hosts share: what a request must hold, and how one is refused.

A request is checked in the same order everywhere: headers, version, resource, and then whose token it is. What an
endpoint looks at, and in which words it refuses, is its class's data.
"""

import uuid
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory
from azcred_emulators.durations import as_header
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.refusals import NamedRefusal, NamedRefusals
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.hosts.refusals import HostError, Problem, Refusal
from azcred_emulators.tokens import Token, Tokens

# How SDKs spell the parameters that name an identity, by the field of the identity that each must equal.
SELECTORS: Mapping[str, tuple[str, ...]] = {
    "client_id": ("client_id", "clientid"),
    "object_id": ("object_id", "principal_id", "principalid"),
    "resource_id": ("msi_res_id", "mi_res_id", "msi-res-id", "resource_id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the hosts of a run have from the machine they are on.

    `secret` is what their clients must send where secrets are asked for, `thumbprint` that of the certificate they
    present over https, `folder` stands for the root of the file system.
    """

    secret: str = field(repr=False)
    thumbprint: str
    folder: Path


class Endpoint(Emulator):
    """Where a host hands out tokens.

    `path` is where they are asked for. `secret_header` is the header that must hold the machine's secret,
    `needs_metadata` whether `Metadata: true` must be there. `refusals` is the table of what it answers to each problem,
    and `further_problems` are those that only the class's own methods raise HostError for. `preliminaries` are the
    operations, with their statuses, that a client begins with. A class with a name is a host; one whose table lacks a
    problem that can arise raises TypeError when it is made.
    """

    provider: str | None = "managed-identity"
    is_host = True
    path: str
    rules: Map
    methods: tuple[str, ...] = ("GET",)
    api_versions: tuple[str, ...] = ()
    secret_header: str | None = None
    needs_metadata = False
    headers: ClassVar[Mapping[str, str]] = {}
    refusals: ClassVar[Mapping[Problem, Refusal]] = {}
    further_problems: ClassVar[Collection[Problem]] = ()
    preliminaries: ClassVar[Sequence[tuple[str, int]]] = ()
    is_hidden = False  # whether the app is in a place without this host, inside a scope whose place has it

    def __init_subclass__(cls) -> None:
        # Here and not per run: a rule's code is parsed, and Python 3.11.0-3.11.7 confuses threads that parse at once
        # (SystemError, python/cpython#106905).
        super().__init_subclass__()
        if not hasattr(cls, "name"):
            return
        cls.rules = Map([Rule(cls.path, methods=cls.methods, endpoint="token")], strict_slashes=False)
        missing = [problem.name for problem in Problem if problem in cls.problems() and problem not in cls.refusals]
        if missing:
            raise TypeError(f"the host {cls.name!r} has no refusal for {', '.join(missing)}: add it to its `refusals`")

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock, machine: Machine) -> None:
        self.directory = directory
        self.machine = machine
        self.named_refusals: NamedRefusals | None = NamedRefusals(
            names=[problem.value for problem in self.refusals],
            throttling=NamedRefusal(Problem.THROTTLED.value),
            respond=self._refuse_by_name,
        )
        self._tokens = tokens
        self._clock = clock

    @classmethod
    def problems(cls) -> set[Problem]:
        """Return the problems that a request to the host can have, by the data of the class."""
        return {
            Problem.NO_RESOURCE,
            Problem.UNKNOWN_RESOURCE,
            Problem.NO_IDENTITY,
            Problem.THROTTLED,
            Problem.PATH,
            Problem.METHOD,
            Problem.MALFORMED,
            *([Problem.METADATA_HEADER] if cls.needs_metadata else []),
            *([Problem.SECRET] if cls.secret_header else []),
            *([Problem.VERSION] if cls.api_versions else []),
            *cls.further_problems,
        }

    @abstractmethod
    def variables(self, url: str) -> Mapping[str, str]:
        """Return the variables by which an app finds the host that runs at this URL."""

    @abstractmethod
    def grant(self, request: Request, parameters: Mapping[str, str]) -> Mapping[str, object]:
        """Return the body that hands out a token; raises HostError."""

    @abstractmethod
    def error_body(self, code: str, message: str, status: int) -> Mapping[str, object] | str:
        """Return the body of a refusal, text if it is no JSON."""

    def install(self) -> None:  # most hosts are but an address, so this one does nothing
        """Put the files in place that the host has on a machine."""

    def operation(self, request: Request) -> str:
        """Return what a request is for: a token, on most hosts."""
        return "token"

    @property
    def operations(self) -> Collection[str]:
        """What `operation` returns."""
        return {"token"}

    def describe(self, request: Request, path: str) -> None:
        """Note what a request is for."""
        super().describe(request, path)
        if "operation" in request.details:
            self._note(request, parameters_of(request))

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a token request."""
        parameters = parameters_of(request)
        self._note(request, parameters)
        try:
            self.check(request, parameters)
            return json_response(self.grant(request, parameters), headers=self.headers)
        except HostError as error:
            return self.refusal(request, error.problem)

    def _note(self, request: Request, parameters: Mapping[str, str]) -> None:
        resource = parameters.get("resource") or None
        request.details.update(operation=self.operation(request), provider=self.provider, resource=resource)

    def check(self, request: Request, parameters: Mapping[str, str]) -> None:
        """Raise HostError unless headers, version and resource are there."""
        if self.needs_metadata and request.headers.get("Metadata", "").lower() != "true":
            raise HostError(Problem.METADATA_HEADER)
        if self.secret_header and request.headers.get(self.secret_header) != self.machine.secret:
            raise HostError(Problem.SECRET)
        if self.api_versions and parameters.get("api-version") not in self.api_versions:
            raise HostError(Problem.VERSION)
        if not parameters.get("resource"):
            raise HostError(Problem.NO_RESOURCE)

    def expires_in(self, token: Token) -> str:
        """Return the seconds that a token has left, as text."""
        return str(token.expires_in(self._clock.now()))

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer a request to another path, or with another method."""
        match error:
            case NotFound():
                return self.refusal(request, Problem.PATH)
            case MethodNotAllowed():
                return self.refusal(request, Problem.METHOD)
        return self.refusal(request, Problem.MALFORMED)

    def _refuse_by_name(self, request: Request, refusal: NamedRefusal) -> Response:
        response = self.refusal(request, Problem(refusal.name))
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = as_header(refusal.retry_after)
        return response

    def refusal(self, request: Request, problem: Problem) -> Response:
        """Answer that there is no token, in the host's words."""
        refusal = self.refusals[problem]
        message = refusal.message.format(
            resource=request.details.get("resource") or "",
            tenant=request.details.get("tenant") or "",
            version=request.args.get("api-version", ""),
        )
        request.details["error"] = message
        body = self.error_body(refusal.code, message, refusal.status)
        if isinstance(body, str):
            return Response(body, refusal.status, self.headers, content_type="text/plain; charset=utf-8")
        return json_response(body, status=refusal.status, headers=self.headers)


def parameters_of(request: Request) -> dict[str, str]:
    """Return the parameters of a request, by their names in lower case."""
    return {name.lower(): value for name, value in request.values.items()}


def correlation_id() -> str:
    """Return the id under which a host's support would find the request."""
    return str(uuid.uuid4())
