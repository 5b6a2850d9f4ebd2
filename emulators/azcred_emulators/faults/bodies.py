"""A valid answer with a corrupted body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jwt
from werkzeug.wrappers import Response

from azcred_emulators.durations import Duration, in_seconds
from azcred_emulators.emulation.fault import Exchange, RequestFault


@dataclass(frozen=True, slots=True, repr=False)
class NotJson(RequestFault):
    """A body that claims to be JSON but is not.

    :param text: the body; by default the valid one with its last byte missing.
    """

    outcome: ClassVar[str | None] = "malformed"

    text: str | None = None

    def apply(self, exchange: Exchange) -> Response:
        """Answer with the normal status and headers."""
        response = exchange.answer()
        response.set_data(self.text if self.text is not None else response.get_data()[:-1])
        return response


@dataclass(frozen=True, slots=True, repr=False)
class MissingField(RequestFault):
    """A body without one of its fields.

    :param name: the field, such as "resource" or "access_token".
    """

    outcome: ClassVar[str | None] = "malformed"

    name: str

    def apply(self, exchange: Exchange) -> Response:
        """Answer with the rest of the body."""
        response, body = _read(exchange)
        body.pop(self.name, None)
        return _write(response, body)


@dataclass(frozen=True, slots=True, repr=False)
class MistypedField(RequestFault):
    """A body in which a field has a value of another type.

    :param name: the field, such as "expires_on".
    :param value: its value.
    """

    outcome: ClassVar[str | None] = "malformed"

    name: str
    value: object = None

    def apply(self, exchange: Exchange) -> Response:
        """Answer with the field changed or added."""
        response, body = _read(exchange)
        return _write(response, {**body, self.name: self.value})


@dataclass(frozen=True, slots=True, repr=False)
class ExpiredToken(RequestFault):
    """A valid token that has expired already.

    :param ago: how long ago: a timedelta, a text such as "5 min", or a number of seconds.
    :raises ValueError: it is not a duration.
    """

    outcome: ClassVar[str | None] = "expired"

    ago: Duration = 1

    def __post_init__(self) -> None:
        in_seconds(self.ago)  # raises ValueError for what is no duration

    def apply(self, exchange: Exchange) -> Response:
        """Answer with an expired token and the times that belong to it."""
        response, body = _read(exchange)
        seconds = int(in_seconds(self.ago))
        expires = int(exchange.now) - seconds
        times = {"expires_on": expires, "expires_in": -seconds, "ext_expires_in": -seconds}
        changed = {name: _alike(body[name], time) for name, time in times.items() if name in body}
        return _write(response, {**body, **changed, **_token(exchange, body, exp=expires)})


@dataclass(frozen=True, slots=True, repr=False)
class WrongResource(RequestFault):
    """A valid token for another resource than the requested one.

    :param resource: that resource.
    """

    outcome: ClassVar[str | None] = "malformed"

    resource: str = "https://management.azure.com"

    def apply(self, exchange: Exchange) -> Response:
        """Answer with a token for the other resource, which the body names where it names one."""
        response, body = _read(exchange)
        named = {"resource": self.resource} if "resource" in body else {}
        return _write(response, {**body, **named, **_token(exchange, body, aud=self.resource)})


def _read(exchange: Exchange) -> tuple[Response, dict[str, Any]]:
    response = exchange.answer()
    body = json.loads(response.get_data() or b"{}")
    return response, body if isinstance(body, dict) else {}


def _write(response: Response, body: Mapping[str, object]) -> Response:
    response.set_data(json.dumps(body, separators=(",", ":")))
    return response


def _alike(like: object, number: int) -> object:
    """Return a number as text where the valid answer has text."""
    return str(number) if isinstance(like, str) else number


def _token(exchange: Exchange, body: Mapping[str, Any], **claims: object) -> Mapping[str, object]:
    """Return the token of a body with other claims and a valid signature; nothing if the body holds none."""
    if "access_token" not in body:
        return {}
    valid = jwt.decode(body["access_token"], options={"verify_signature": False})
    exchange.request.details["claims"] = {**valid, **claims}
    return {"access_token": exchange.mint({**valid, **claims})}
