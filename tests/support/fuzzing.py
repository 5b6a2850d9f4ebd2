"""Requests that are wrong in some way, out of right ones, from a seed: the same requests for the same number."""

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from azcred_emulators.tokens.keys import SigningKey

ODD = [
    "", " ", "\0", "é", "\N{SNOWMAN}", "%", "%zz", "..", "//", "a" * 300, "1" * 5000, "-1", "NaN", "null", "[]", "{}",
    "'", "<script>", "javascript:alert(1)", "https://[", "https://x:99999/", "\r\nX: y", "\ud800", "eyJ.e30.", "common",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "FOO"]
HEADERS = [
    ("Metadata", "true"), ("Authorization", "Bearer x"), ("Authorization", "Basic !"), ("Authorization", "\t"),
    ("Content-Type", "application/json"), ("Content-Type", "multipart/form-data; boundary=x"), ("Origin", "null"),
    ("Origin", "https://[evil"), ("Cookie", "a=b; =; ;;"), ("Expect", "100-continue"), ("Accept-Language", "x" * 500),
    ("Last-Event-ID", "9" * 30), ("X-Forwarded-For", "::1"), ("Sec-Fetch-Site", "cross-site"), ("Range", "bytes=9-1"),
]  # fmt: skip
FRAMES = [
    b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Length: 9\r\n", b"Content-Length: " + b"9" * 5000 + b"\r\n",
    b"Transfer-Encoding: chunked\r\n", b"X: a\rb\r\n", b" folded\r\n", b"X\0: y\r\n", b"no colon\r\n",
    b"X: \xff\xfe\r\n",
]  # fmt: skip
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Sent:
    """A request; `port` is "http", or "https" for one in TLS. A body that is no text is sent as JSON or a form."""

    port: str
    method: str
    path: str
    host: str
    query: Pairs = ()
    headers: Pairs = ()
    form: Pairs | None = None
    json: Any = None
    tunnel: str | None = None
    frame: bytes = b""
    cut: float = 1.0

    def encoded(self) -> bytes:
        """Return the bytes."""
        body, headers = b"", [("Host", self.host), *self.headers]
        if self.form is not None:
            body = urlencode(self.form, errors="replace").encode()
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        elif self.json is not None:
            body = json.dumps(self.json).encode()
            headers.append(("Content-Type", "application/json"))
        if body:
            headers.append(("Content-Length", str(len(body))))
        query = f"?{urlencode(self.query, errors='replace')}" if self.query else ""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("utf-8", "replace")
        path = quote(self.path, safe="/:%", errors="replace")
        data = f"{self.method} {path}{query} HTTP/1.1\r\n".encode() + lines + self.frame + b"\r\n" + body
        return data[: int(len(data) * self.cut)]


def mutated(request: Sent, chance: random.Random) -> Sent:
    """Return the request with one to three things changed."""
    for _ in range(chance.randint(1, 3)):
        request = chance.choice(_CHANGES)(request, chance)
    return request


def _method(request: Sent, chance: random.Random) -> Sent:
    return replace(request, method=chance.choice(METHODS))


def _path(request: Sent, chance: random.Random) -> Sent:
    parts = request.path.split("/")
    parts[chance.randrange(len(parts))] = chance.choice(ODD)
    return replace(request, path=f"/{'/'.join(parts).lstrip('/')}")


def _header(request: Sent, chance: random.Random) -> Sent:
    name, value = chance.choice(HEADERS)
    return replace(request, headers=[*request.headers, (name, value)])


def _headers(request: Sent, chance: random.Random) -> Sent:
    return replace(request, headers=_pairs(request.headers, chance))


def _query(request: Sent, chance: random.Random) -> Sent:
    return replace(request, query=_pairs(request.query, chance))


def _body(request: Sent, chance: random.Random) -> Sent:
    if request.form is not None:
        return replace(request, form=_pairs(request.form, chance))
    return replace(request, json=_value(request.json, chance))


def _frame(request: Sent, chance: random.Random) -> Sent:
    return replace(request, frame=chance.choice(FRAMES))


def _cut(request: Sent, chance: random.Random) -> Sent:
    return replace(request, cut=chance.random())


_CHANGES: Sequence[Callable[[Sent, random.Random], Sent]] = (
    *(_method, _path, _header, _headers, _query, _query, _body, _body, _body, _frame, _cut),
)


def _pairs(pairs: Pairs, chance: random.Random) -> Pairs:
    changed = list(pairs)
    if not changed:
        return [(chance.choice(ODD), chance.choice(ODD))]
    index = chance.randrange(len(changed))
    name, value = changed[index]
    match chance.randrange(5):
        case 0:
            del changed[index]
        case 1:
            changed.append((name, value))
        case 2:
            changed.append((name, chance.choice(ODD)))
        case _:
            changed[index] = (name, chance.choice([*ODD, value + chance.choice(ODD), value[:-1]]))
    return [(name, value.replace("\r\n", " ")) for name, value in changed]


def _value(value: Any, chance: random.Random) -> Any:
    """Return plain data with one thing in it changed."""
    if isinstance(value, Mapping) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: _value(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        return [_value(value[0], chance), *value[1:]]
    return chance.choice([None, True, -1, 10**30, 1e308, [], {}, [[]], {"a": None}, *ODD])


def signed(key: SigningKey, claims: Mapping[str, Any]) -> str:
    """Return a JWT of any claims, also of those that no library would sign."""
    parts = ({"alg": "RS256", "kid": key.id, "typ": "JWT"}, claims)
    text = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_base64url(key.sign_bytes(text.encode()))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def odd_claims(right: Mapping[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return claims of which one to three are odd, or missing."""
    claims = dict(right)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice([*right, "scp", "xms_cc", "amr", "roles", "jti", "sid", "azp", "uti"])
        claims[name] = chance.choice(
            [
                *(10**400, -(10**400), float("nan"), float("inf"), 1e308, 0, -1, 2**63, 1.5, True, None),
                *([], ["x"], [1], [[]], {}, {"a": 1}, [None], "CP1", ["CP1"], "\ud800", "\0"),
                *ODD,
                claims.get(name),
            ]
        )
        if chance.random() < 0.1:
            del claims[name]
    return claims
