"""What every emulator is: rules that lead a request to a small function, and answers in the service's shape."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import ClassVar, TypeVar

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.wrappers import Response

from azcred_emulators.emulation.checkpoint import Undo, checkpoint, undo_all
from azcred_emulators.emulation.fault import RequestFault, kinds
from azcred_emulators.emulation.refusals import NamedRefusals
from azcred_emulators.emulation.request import Request
from azcred_emulators.emulation.script import Faults

_Kind = TypeVar("_Kind", bound="Emulator")


class Emulator(ABC):
    """A service under one or more real host names, or under its own name on a server that serves others, too.

    `faults` is the script of its next requests; faults that name no other criteria have the `fault_criteria`.
    `named_refusals` are those that a fault can ask for, None if the emulator has no shape for them. `provider` is the
    link of the chain that sends its requests, None where several do. `is_host` tells whether it hands out the tokens
    of a place's own identity, which makes it the `host` of the journal's entries. `uses_tls` tells whether clients
    reach it over https.
    """

    name: str
    rules: Map
    faults: Faults[RequestFault]
    provider: str | None = None
    is_host: ClassVar[bool] = False
    uses_tls: bool = False
    fault_criteria: ClassVar[Mapping[str, object]] = {}
    named_refusals: NamedRefusals | None = None

    def __new__(cls: type[_Kind], *_: object, **__: object) -> _Kind:
        """Make one with a script of its own, so that no emulator has to think of faults."""
        self = super().__new__(cls)
        self.faults = Faults(cls.fault_criteria, check=self._check_fault)
        return self

    def _check_fault(self, fault: RequestFault) -> None:
        if not isinstance(fault, RequestFault):
            raise TypeError(
                f"the emulator {self.name!r} answers requests, whose faults are {', '.join(kinds(RequestFault))}; "
                f"{fault!r} is not one of these"
            )
        fault.check(self)

    @property
    def operations(self) -> Collection[str]:
        """What requests to the emulator are for, as the journal calls it: the endpoints of the rules."""
        return {rule.endpoint for rule in self.rules.iter_rules()}

    def serves(self, host: str, path: str) -> bool:
        """Tell whether a request to this host name and path is this emulator's; some have no name of their own."""
        return False

    def url(self, server_url: str) -> str:
        """Return where the emulator is on a server that serves others, too: its name is the first part of the path."""
        return f"{server_url}/{self.name}"

    @abstractmethod
    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a request for one of the rules' endpoints."""

    @abstractmethod
    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer a request that HTTP itself rules out: unknown path, wrong method, oversized body."""

    def answer(self, request: Request, path: str) -> Response:
        """Answer a request; whatever is wrong with it becomes an answer, too."""
        try:
            endpoint, values = self.rules.bind("localhost").match(path, method=request.method)
            return self.handle(request, endpoint, values)
        except HTTPException as error:
            return self.http_error(request, error)

    def describe(self, request: Request, path: str) -> None:
        """Note in the request's details what it says itself, before anything is done about it: faults go by that."""
        request.details["provider"] = self.provider
        with suppress(HTTPException):
            request.details["resource"] = request.values.get("resource")
            request.details["operation"], _ = self.rules.bind("localhost").match(path, method=request.method)

    def is_absent(self, request: Request) -> bool:
        """Tell whether a request finds nobody here, as if the place of its sender had no such emulator."""
        return False

    def stateful(self) -> Iterable[object]:
        """Return the objects whose attributes tests and requests change."""
        return (self,)

    def checkpoint(self) -> Undo:
        """Note the state and the faults; returns the function that undoes what is changed after that."""
        return undo_all([self.faults.checkpoint(), checkpoint(*self.stateful())])

    def reset(self) -> None:  # noqa: B027  # most emulators keep nothing, so this one does nothing
        """Forget what earlier requests have left behind."""
