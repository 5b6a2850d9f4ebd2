"""Faults by name and as JSON: `{"kind": "Status", "code": 429, "retry_after": 1}`."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import Field, fields
from datetime import timedelta
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from azcred_emulators import faults
from azcred_emulators.emulation.command import CommandFault
from azcred_emulators.emulation.fault import Fault, RequestFault

_ALL = {name: kind for name, kind in vars(faults).items() if isinstance(kind, type) and issubclass(kind, Fault)}
KINDS: Mapping[str, type[RequestFault]] = {name: kind for name, kind in _ALL.items() if issubclass(kind, RequestFault)}
COMMAND_KINDS: Mapping[str, type[CommandFault]] = {
    name: kind for name, kind in _ALL.items() if issubclass(kind, CommandFault)
}


def fields_of(kind: str) -> tuple[str, ...]:
    """Return the names of the fields of a kind, none if there is no such kind."""
    return tuple(field.name for field in _fields(KINDS[kind])) if kind in KINDS else ()


def read_fault(data: Mapping[str, Any], *, also: Collection[str] = ()) -> RequestFault:
    """Return the fault that a JSON object describes: its `kind`, and the fields of that kind.

    `also` are names that may be meant by one that the kind has not. Raises ValueError if there is no such kind or
    field, one that must be there is missing, or a value is out of range.
    """
    values = dict(data)
    name = str(values.pop("kind", ""))
    if name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KINDS)}."
        raise ValueError(f"there is no kind of fault {name!r}; {hint}")
    known = fields_of(name)
    for unknown in sorted(set(values) - set(known)):
        near = difflib.get_close_matches(unknown, {*known, *also}, n=1, cutoff=0.6)
        meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}"
        raise ValueError(f"the fault {name} has no field {unknown!r}; {meant}")
    hints = get_type_hints(KINDS[name])
    for field, value in values.items():
        if not _accepts(hints[field], value):
            raise ValueError(f"the fault {name} cannot have the {field} {value!r}")
    try:
        return KINDS[name](**values)
    except TypeError as error:
        raise ValueError(f"the fault {name} needs more than {', '.join(values) or 'its name'}") from error


def _accepts(hint: Any, value: object) -> bool:
    """Tell whether a value from JSON is of a field's type."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if isinstance(hint, UnionType):
        return any(_accepts(member, value) for member in get_args(hint))
    if get_origin(hint) is Mapping:
        return isinstance(value, dict) and all(_accepts(get_args(hint)[1], item) for item in value.values())
    if isinstance(value, bool):
        return hint in (bool, object)
    return isinstance(value, (int, float) if hint is float else hint)


def write_fault(fault: Fault) -> dict[str, object]:
    """Return the JSON object of which `read_fault` makes this fault again."""
    values = {field.name: getattr(fault, field.name) for field in _fields(fault)}
    return {"kind": type(fault).__name__, **{name: _written(value) for name, value in values.items()}}


def _written(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _fields(kind: Any) -> tuple[Field[Any], ...]:
    """Return the fields of a kind or of one of its faults, each of which is a dataclass."""
    return fields(kind)
