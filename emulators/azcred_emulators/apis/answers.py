"""What a protected resource answers, and to which requests."""

import json as json_module
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Response

from azcred_emulators.apis.received_request import ReceivedRequest
from azcred_emulators.emulation.request import check_method, check_status
from azcred_emulators.serving.urls import split_url

_WITHOUT_BODY = (204, 205, 304)
_PARAMETER = re.compile(r"<(?:(path):)?([A-Za-z_]\w*)>")
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a resource.

    :param status: the HTTP status.
    :param json: the body, as something that JSON can represent.
    :param data: the body, as bytes or text.
    :param headers: the headers, beside that of the body's type.
    :param events: the body, as server-sent events: text as it is, everything else as JSON. Each is sent as soon as
        there is one.
    :raises ValueError: this cannot be sent.
    """

    status: int = 200
    json: object = None
    data: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Iterable[object] | None = None

    def __post_init__(self) -> None:
        check_status(self.status)
        given = [name for name in ("json", "events") if getattr(self, name) is not None] + ["data"] * bool(self.data)
        if len(given) > 1:
            raise ValueError("an answer has one body: give either json or data, or events")
        if given and self.status in _WITHOUT_BODY:
            raise ValueError(f"an answer with status {self.status} has no body")
        if not isinstance(self.data, bytes | str):
            raise ValueError(f"an answer's data is bytes or text, not {self.data!r}; anything else is json")
        if self.json is not None:
            _dumps(self.json)
        for name, value in self.headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", str(value)):
                raise ValueError(f"an answer cannot have the header {name!r}")

    def response(self) -> Response:
        """Return it as a response of HTTP."""
        if self.events is not None:
            stream = Response(_as_events(self.events), status=self.status, content_type="text/event-stream")
            stream.headers.update(self.headers)
            return stream
        if self.json is not None:
            response = Response(_dumps(self.json), self.status, content_type="application/json; charset=utf-8")
        elif isinstance(self.data, str):
            response = Response(self.data, self.status, content_type="text/plain; charset=utf-8" if self.data else None)
        else:
            response = Response(self.data, self.status, content_type="application/octet-stream" if self.data else None)
        if not self.data and self.json is None:
            response.headers.pop("Content-Type", None)
        response.headers.update(self.headers)
        return response


Reply = Answer | Callable[[ReceivedRequest], object]


def as_answer(value: object) -> Answer:
    """Return what a function has returned as an answer: text and bytes are data, anything else JSON."""
    if isinstance(value, Answer):
        return value
    if value is None:
        return Answer()
    return Answer(data=value) if isinstance(value, str | bytes) else Answer(json=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPattern:
    """A path, some parts of which may be parameters: `<name>` is one part, `<path:name>` the rest or a part of it.

    A slash at the end makes no difference. Raises ValueError for a path that no request has.
    """

    text: str
    expression: "re.Pattern[str]" = field(init=False)

    def __post_init__(self) -> None:
        check_path(self.text)
        parts, names, last = [], [], 0
        for found in _PARAMETER.finditer(self.text):
            parts += [re.escape(self.text[last : found.start()]), f"(?P<{found[2]}>{'.+' if found[1] else '[^/]+'})"]
            names.append(found[2])
            last = found.end()
        rest = self.text[last:]
        if len(set(names)) < len(names) or any(mark in _PARAMETER.sub("", self.text) for mark in "<>"):
            raise ValueError(
                f"a parameter of a path is written '<name>' or '<path:name>', each name once: {self.text!r}"
            )
        object.__setattr__(self, "expression", re.compile("".join([*parts, re.escape(rest.rstrip("/")), "/?"])))

    @property
    def rank(self) -> tuple[int, int, int]:
        """How general it is: parts of a path after those of one part, and less text that is fixed after more."""
        return self.text.count("<path:"), -len(_PARAMETER.sub("", self.text)), self.text.count("<")

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the parameters in a request's path, None if it is another path."""
        found = self.expression.fullmatch(path)
        return found.groupdict() if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRule:
    """Which requests are answered, by whom they may be sent, and the answers, the last of which repeats.

    An `anonymous` rule needs no token. Else a user's token must have one of the `scopes` and an app's one of the
    `roles`, if any are named.
    """

    method: str
    path: PathPattern
    query: Mapping[str, str] = field(default_factory=dict)
    replies: tuple[Reply, ...] = (Answer(),)
    anonymous: bool = False
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_method(self.method)
        if not all(isinstance(part, str) for pair in self.query.items() for part in pair):
            raise ValueError(f"a query is names and values, all of them text, not {dict(self.query)!r}")
        for name in ("scopes", "roles"):
            if not all(isinstance(each, str) for each in getattr(self, name)) or isinstance(getattr(self, name), str):
                raise ValueError(f"{name} are a list of names, not {getattr(self, name)!r}")
        if self.anonymous and (self.scopes or self.roles):
            raise ValueError("an anonymous answer needs no token, so it cannot need scopes or roles")
        for reply in self.replies:
            if not isinstance(reply, Answer) and not callable(reply):
                raise ValueError(f"an answer is an Answer, or a function that takes the request, not {reply!r}")

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """What another rule must have in common with this one to take its place."""
        return self.method.upper(), self.path.text.rstrip("/"), tuple(sorted(self.query.items()))

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """How general it is; of two rules that fit, the less general one answers."""
        return *self.path.rank, -len(self.query)

    def match(self, method: str, path: str, query: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return the parameters in the path of a request, None if this is no rule for it."""
        if method != self.method.upper() or any(query.get(name) != value for name, value in self.query.items()):
            return None
        return self.path.match(path)


def find_rule(
    rules: Iterable[AnswerRule], method: str, path: str, query: Mapping[str, str]
) -> tuple[AnswerRule, Mapping[str, str]] | None:
    """Return the rule that answers a request, with the parameters in its path; a HEAD is answered like a GET."""
    for each in (method, "GET") if method == "HEAD" else (method,):
        fitting = [(rule, found) for rule in rules if (found := rule.match(each, path, query)) is not None]
        if fitting:
            return min(fitting, key=lambda pair: pair[0].rank)
    return None


def check_path(path: str) -> None:
    """Raise ValueError for a path that requests do not have when they are compared, with the one that they have."""
    parts = split_url(path)
    plain = "/" + re.sub("/{2,}", "/", unquote(parts.path)).lstrip("/")
    if path != plain:
        raise ValueError(f"an answer is for a path alone, which starts with a slash: write {plain!r}, not {path!r}")
    if {".", ".."} & set(path.split("/")):
        raise ValueError(f"no request has the path {path!r}: clients take '.' and '..' out of it")


def _as_events(events: Iterable[object]) -> Iterator[bytes]:
    for event in events:
        text = event if isinstance(event, str) else _dumps(event).decode()
        lines = "".join(f"data: {line}\n" for line in text.split("\n"))
        yield f"{lines}\n".encode()


def _dumps(value: Any) -> bytes:
    try:
        return json_module.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"an answer's json is what JSON can hold: {error}") from None


def make_rule(
    method: str,
    path: str,
    *answers: Reply,
    status: int = 200,
    json: object = None,
    data: bytes | str = b"",
    events: Sequence[object] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    anonymous: bool = False,
    scopes: Sequence[str] = (),
    roles: Sequence[str] = (),
) -> AnswerRule:
    """Return the rule that `ProtectedResource.answer` adds; raises ValueError as that does."""
    single = Answer(status, json, data, headers or _NO_HEADERS, events)
    if answers and single != Answer():
        raise ValueError("give either answers, or the status, body and headers of one")
    return AnswerRule(
        method=method,
        path=PathPattern(text=path),
        query=dict(query or {}),
        replies=answers or (single,),
        anonymous=anonymous,
        scopes=scopes if isinstance(scopes, str) else tuple(scopes),  # type: ignore[arg-type]  # which is refused
        roles=roles if isinstance(roles, str) else tuple(roles),  # type: ignore[arg-type]
    )
