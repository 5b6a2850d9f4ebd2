"""What every emulator is: rules that lead a request to a small function, and answers in the service's shape."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.wrappers import Response

from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.emulation.request import Request
from azcred_emulators.emulation.script import Faults

_Kind = TypeVar("_Kind", bound="Emulator")


class Emulator(ABC):
    """A service under one or more real host names.

    `faults` are what is to go wrong with its next requests. `provider` is the link of the chain that sends these,
    None where several do.
    """

    name: str
    rules: Map
    faults: Faults[RequestFault]
    provider: str | None = None

    def __new__(cls: type[_Kind], *_: object, **__: object) -> _Kind:
        """Make one with a script of its own, so that no emulator has to think of faults."""
        self = super().__new__(cls)
        self.faults = Faults()
        return self

    def serves(self, host: str, path: str) -> bool:
        """Tell whether a request to this host name and path is this emulator's; some have no name of their own."""
        return False

    @abstractmethod
    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a request for one of the rules' endpoints."""

    @abstractmethod
    def refuse(self, request: Request, error: HTTPException) -> Response:
        """Answer a request that HTTP itself rules out: unknown path, wrong method, oversized body."""

    def answer(self, request: Request, path: str) -> Response:
        """Answer a request; whatever is wrong with it becomes an answer, too."""
        try:
            endpoint, values = self.rules.bind("localhost").match(path, method=request.method)
            return self.handle(request, endpoint, values)
        except HTTPException as error:
            return self.refuse(request, error)

    def describe(self, request: Request, path: str) -> None:
        """Note in the request's details what it says itself, before anything is done about it: faults go by that."""
        request.details["provider"] = self.provider
        with suppress(HTTPException):
            request.details["resource"] = request.values.get("resource")
            request.details["operation"], _ = self.rules.bind("localhost").match(path, method=request.method)

    def reset(self) -> None:  # noqa: B027  # most emulators keep nothing, so this one does nothing
        """Forget what earlier requests have left behind."""
