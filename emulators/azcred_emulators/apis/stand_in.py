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

    :param method: the HTTP method, such as "GET".
    :param path: the path, such as "/orders/<number>".
    :param options: those of `ProtectedResource.answer` that say who may ask: `query`, `anonymous`, `scopes`, `roles`.
    :return: the decorator.
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
    tokens. What an answer raises is a defect, which fails the test, unless the stand-in is `forgiving`: then it is the
    app's request that has another form, and gets a 400.
    """

    resource: Resource

    hosts: ClassVar[tuple[str, ...]] = ()
    contents: ClassVar[Mapping[str, type[Any]]] = {}
    forgiving: ClassVar[bool] = False

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
        """Tell whether the service is at a host name.

        :param host: the name, in lower case.
        """
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
        """Add to the content.

        :raises ValueError: the stand-in does not have such a content.
        """
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
        """Return what a test fills in as it is kept.

        :param name: the name of the content.
        :param value: what the test fills in.
        :return: what is added to the content.
        :raises ValueError: the service cannot have this.
        """
        return value

    def put(self, name: str, key: str, value: object) -> None:
        """Set one entry of a dict of the content, in a new dict: a scope that ends returns to the earlier one.

        :param name: the name of the content.
        :param key: the entry's key.
        :param value: its new value.
        """
        self.content[name] = {**self.content[name], key: value}

    def remove(self, name: str, key: str) -> Any:
        """Take one entry out of a dict of the content.

        :param name: the name of the content.
        :param key: the entry's key.
        :return: its value; None if there is none.
        """
        kept = dict(self.content[name])
        value = kept.pop(key, None)
        self.content[name] = kept
        return value

    def append(self, name: str, *values: object) -> None:
        """Add to a list of the content, in a new list.

        :param name: the name of the content.
        :param values: what is added.
        """
        self.content[name] = [*self.content[name], *values]

    def claims_of(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token that the service has issued itself.

        :param token: any token that a client has sent.
        :return: the claims; None for a token of somebody else.
        """
        return None

    def error(self, status: int, code: str, message: str) -> Answer:
        """Return an error in the form in which most services write one.

        :param status: the HTTP status.
        :param code: the service's code.
        :param message: the text.
        :return: the answer.
        """
        return Answer(status, json={"error": {"code": code, "message": message}})


__all__ = ["Answer", "ReceivedRequest", "StandIn", "answers"]
