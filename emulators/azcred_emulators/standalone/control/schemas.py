"""What the operations of the control API are sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azcred_emulators.directory.serialization import KINDS, HostData, schema
from azcred_emulators.faults.registry import KINDS as FAULTS
from azcred_emulators.standalone.configuration import AnswerData


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """The names of environments; `environ` are the variables of the process that is to run there."""

    names: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMove:
    """By how many seconds the clock is to move ahead, or to which epoch seconds; one of the two."""

    advance: float | None = None
    now: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """The claims of a token beside the usual ones, and what is to be wrong with it."""

    claims: Mapping[str, object] = field(default_factory=dict)
    defect: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The names and addresses that a certificate is to hold."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """The name of a session; by default it gets one."""

    name: str | None = None


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 1000}
_ANSWER = schema(AnswerData)
_ANSWER["properties"]["json"] = {}
# Bodies that are read as configuration files are.
DIRECTORY: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        **{name: {"type": "array", "items": schema(kind)} for name, kind in KINDS.items()},
        "hosts": {"type": "object", "additionalProperties": schema(HostData)},
    },
    "additionalProperties": False,
}
FAULT: Mapping[str, Any] = {
    "type": "object",
    "required": ["emulator", "kind"],
    "properties": {
        "emulator": _TEXT,
        "kind": {"enum": list(FAULTS)},
        "times": _COUNT,
        "nth": _COUNT,
        "optional": {"type": "boolean"},
        "criteria": {"type": "object"},
    },
    "description": "The fields of the fault's kind are further properties.",
}
RESOURCE: Mapping[str, Any] = {
    "type": "object",
    "required": ["url"],
    "properties": {
        "url": {"type": "string", "pattern": "^https://[a-z0-9.-]+$"},
        "audience": {**_TEXT, "nullable": True},
        "answers": {"type": "array", "items": _ANSWER},
    },
    "additionalProperties": False,
}
