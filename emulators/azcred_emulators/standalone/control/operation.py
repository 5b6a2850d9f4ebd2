"""What an operation of the control API is, and a request for one."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from azcred_emulators.emulation.request import Request
from azcred_emulators.standalone.session import ServerSession, ServerSessions


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """One request to the API of a session, with the values in its path.

    `body` is what the operation's type of body makes of the JSON object, or the object itself if that is a schema.
    """

    session: ServerSession
    server: ServerSessions
    http: Request
    values: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `body` is the type of the request's body, or its JSON schema if `run` reads it otherwise, None for no body; `query`
    are the types of parameters.
    """

    method: str
    rule: str
    name: str
    summary: str
    run: Callable[[ControlRequest], object]
    _: KW_ONLY
    body: type[Any] | Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    media_type: str = "application/json"
