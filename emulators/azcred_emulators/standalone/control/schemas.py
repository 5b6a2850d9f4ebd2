"""The bodies of requests to the control API: types, and JSON schemas of those that are read otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from azcred_emulators.directory.serialization import KINDS, HostData, schema
from azcred_emulators.emulation.script import CRITERIA
from azcred_emulators.faults.registry import KINDS as FAULTS
from azcred_emulators.standalone.configuration import ResourceData


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentNames:
    """The names of environments; `environ` are the variables of the process that will run there."""

    environments: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMove:
    """By which duration the clock moves forward, or to which moment; one of the two."""

    advance: timedelta | None = None
    now: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalAssertion:
    """What the journal must hold: `times` requests or tokens with these fields, or these providers in this order.

    Without `times` at least one.
    """

    requests: Mapping[str, object] | None = None
    tokens: Mapping[str, object] | None = None
    providers: tuple[str, ...] | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """The claims of a token beside the usual ones, its version for all of them, and a defect if it is to have one."""

    claims: Mapping[str, object] = field(default_factory=dict)
    version: int | None = None
    defect: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandedClaims:
    """The claims of an access token that the next token must have."""

    claims: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateNames:
    """The names and addresses of a certificate."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionName:
    """The name of a new session; by default the server chooses it."""

    name: str | None = None


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 1000}
_RESOURCE = schema(ResourceData)
_RESOURCE["properties"]["url"] = {"type": "string", "pattern": "^https://[a-z0-9.-]+$"}
_RESOURCE["properties"]["audience"] = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}], "nullable": True}
# Bodies with the form of the configuration file.
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
        **{name: {**_TEXT, "nullable": True} for name in sorted(CRITERIA)},
    },
    "description": "The fields of the fault's kind are further properties.",
}
RESOURCE: Mapping[str, Any] = _RESOURCE
