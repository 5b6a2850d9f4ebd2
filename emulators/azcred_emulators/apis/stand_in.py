"""What a stand-in of a service is: answers to start with, and content that tests set and read.

::

    class Orders(StandIn):
        hosts = ("*.orders.contoso.com",)
        contents = {"orders": dict}

        @answers("GET", "/orders/<number>")
        def order(self, request: ReceivedRequest) -> object:
            return self.content["orders"].get(request.parameters["number"]) or Answer(404)
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Protocol, TypeVar

from azcred_emulators.apis.answers import Answer, AnswerRule, make_rule
from azcred_emulators.apis.received_request import ReceivedRequest
from azcred_emulators.clock import Clock
from azcred_emulators.directory.serialization import check_known

Method = TypeVar("Method", bound=Callable[..., object])
_RULES = "_azcred_rules"


def answers(method: str, path: str, **options: Any) -> Callable[[Method], Method]:
    """Mark a method of a stand-in as the answer to requests with this method and path.

    `options` are those of `ProtectedResource.answer` that say who may ask: `query`, `anonymous`, `scopes`, `roles`.
    """

    def mark(function: Method) -> Method:
        setattr(function, _RULES, [*getattr(function, _RULES, ()), (method, path, options)])
        return function

    return mark


class Resource(Protocol):
    """What a stand-in asks the resource that it answers for."""

    @property
    def audience(self) -> str:
        """What the resource's tokens must be for."""

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token in a request's body; the request is refused if it is not good."""


class StandIn:
    """A stand-in of one service at one host.

    `hosts` are the names at which it is found, with `*` for any text. `contents` are the names and types of what tests
    set by `fill` and read in `content`; each is a dict or a list. `clock` is the emulators', and `resource` checks
    tokens.
    """

    resource: Resource

    hosts: ClassVar[tuple[str, ...]] = ()
    contents: ClassVar[Mapping[str, type[Any]]] = {}

    def __init__(self, host: str, clock: Clock) -> None:
        self.host: str = host
        self.clock: Clock = clock
        self.content: dict[str, Any] = {}
        for name, kind in self.contents.items():
            self.content[name] = kind()

    @property
    def url(self) -> str:
        """The URL at which it answers."""
        return f"https://{self.host}"

    @classmethod
    def is_at(cls, host: str) -> bool:
        """Tell whether the service is at a host name."""
        return any(fnmatchcase(host, pattern) for pattern in cls.hosts)

    def rules(self) -> list[AnswerRule]:
        """Return the rules of its answers."""
        marked = (getattr(type(self), name) for name in dir(type(self)))
        return [
            make_rule(method, path, getattr(self, function.__name__), **options)
            for function in marked
            for method, path, options in getattr(function, _RULES, ())
        ]

    def fill(self, **content: Any) -> None:
        """Add to the content; raises ValueError for a name or a type that the stand-in does not have."""
        for name, value in content.items():
            check_known(name, self.contents, f"the stand-in {type(self).__name__}")
            kind = self.contents[name]
            if not isinstance(value, kind if kind is dict else list | tuple):
                form = "a table" if kind is dict else "a list"
                raise ValueError(f"{name} of the stand-in {type(self).__name__} is {form}, not {value!r}")
        for name, value in content.items():
            if self.contents[name] is dict:
                self.content[name] = {**self.content[name], **self.read(name, value)}
            else:
                self.content[name] = [*self.content[name], *value]

    def read(self, name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a test fills in as it is kept; raises ValueError for what the service cannot have."""
        return value

    def put(self, name: str, key: str, value: object) -> None:
        """Set one entry of a dict of the content, in a new dict: a layer that ends returns to the earlier one."""
        self.content[name] = {**self.content[name], key: value}

    def remove(self, name: str, key: str) -> Any:
        """Take one entry out of a dict of the content and return it, None if there is none."""
        kept = dict(self.content[name])
        value = kept.pop(key, None)
        self.content[name] = kept
        return value

    def append(self, name: str, *values: object) -> None:
        """Add to a list of the content, in a new list."""
        self.content[name] = [*self.content[name], *values]

    def claims_of(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token that the service has issued itself, None for any other."""
        return None

    def error(self, status: int, code: str, message: str) -> Answer:
        """Return an error in the form in which most services write one."""
        return Answer(status, json={"error": {"code": code, "message": message}})


__all__ = ["Answer", "ReceivedRequest", "StandIn", "answers"]
