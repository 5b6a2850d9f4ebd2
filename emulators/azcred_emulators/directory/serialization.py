"""What a directory holds as plain data, and back: the form in which configuration files and the control API have it.

The fields of an entity *are* the keys. Durations are seconds or text such as "5 min", certificates PEM, enumerations
their values.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from types import GenericAlias, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from azcred_emulators.directory.entities import (
    Application,
    ConditionalAccessPolicy,
    Entity,
    Group,
    ManagedIdentity,
    Subscription,
    Tenant,
    User,
)
from azcred_emulators.directory.store import Directory, identifier
from azcred_emulators.durations import PATTERN, as_timedelta

KINDS: Mapping[str, type[Any]] = {
    "tenants": Tenant,
    "applications": Application,
    "managed_identities": ManagedIdentity,
    "users": User,
    "groups": Group,
    "policies": ConditionalAccessPolicy,
    "subscriptions": Subscription,
}
_SIMPLE: Mapping[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_DURATION = {"oneOf": [{"type": "number"}, {"type": "string", "pattern": PATTERN}]}


def read(kind: Any, value: object, where: str) -> Any:
    """Return the value of a type that plain data describes; raises ValueError, which names `where` it is wrong."""
    if get_origin(kind) in (UnionType, Union):
        if value is None and NoneType in get_args(kind):
            return None
        kind = next(one for one in get_args(kind) if one is not NoneType)
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} must be a list, not {_named(value)}")
        return tuple(read(get_args(kind)[0], one, f"{where}[{number}]") for number, one in enumerate(value))
    if get_origin(kind) is Mapping:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a table, not {_named(value)}")
        return {name: read(get_args(kind)[1], one, f"{where}.{name}") for name, one in value.items()}
    if kind is object:
        return value
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    if kind is x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(str(value).encode())
        except ValueError:
            raise ValueError(f"{where} must be a certificate in PEM form") from None
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"{where} must be one of {', '.join(repr(one.value) for one in kind)}") from None
    return _read_simple(kind, value, where)


def write(value: object) -> Any:
    """Return plain data of which `read` makes this value again."""
    if is_dataclass(value):
        return {one.name: write(getattr(value, one.name)) for one in _fields(value)}
    match value:
        case tuple() | list():
            return [write(one) for one in value]
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case x509.Certificate():
            return value.public_bytes(Encoding.PEM).decode()
    return value


def schema(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of a type's plain data."""
    if get_origin(kind) in (UnionType, Union):
        wanted = schema(next(one for one in get_args(kind) if one is not NoneType))
        return {**wanted, "nullable": True} if NoneType in get_args(kind) else wanted
    if get_origin(kind) is tuple:
        return {"type": "array", "items": schema(get_args(kind)[0])}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": schema(get_args(kind)[1])}
    if kind is object:
        return {}
    if kind is timedelta:
        return dict(_DURATION)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        needed = [one.name for one in _fields(kind) if _is_needed(one)]
        return {
            "type": "object",
            "properties": {one.name: schema(hints[one.name]) for one in _fields(kind)},
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
        }
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    return {"type": _SIMPLE.get(kind, "string")}


def kind_of(entity: Entity) -> str:
    """Return the key under which entities like this one stand."""
    return next(name for name, kind in KINDS.items() if isinstance(entity, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostData:
    """What a host of managed identities has: `identities` by client id or name, and its own ARM id."""

    identities: tuple[str, ...] | None = None
    resource_id: str | None = None


def write_directory(directory: Directory) -> dict[str, Any]:
    """Return everything in a directory as plain data: lists of entities by kind, and `hosts` by name."""
    entities, assigned, resource_ids = directory.content()
    document: dict[str, Any] = {name: [] for name in KINDS}
    for entity in entities:
        document[kind_of(entity)].append(write(entity))
    document["hosts"] = {
        name: {"identities": list(assigned.get(name, ())), "resource_id": resource_ids.get(name, "")}
        for name in dict.fromkeys((*assigned, *resource_ids))
    }
    return document


def fill_directory(directory: Directory, document: Mapping[str, Any], *, keep: bool = False) -> None:
    """Put what `write_directory` returns, or a part of it, into a directory.

    With `keep` what is there stays, but for entities with the same ids and for the hosts that are named. Raises
    ValueError that says what is wrong with the data.
    """
    for name in document:
        check_known(name, {**KINDS, "hosts": None}, "the directory")
    given = [
        entity
        for name, kind in KINDS.items()
        for entity in read(GenericAlias(tuple, (kind, ...)), document.get(name, []), name)
    ]
    entities, assigned, resource_ids = directory.content() if keep else ([], {}, {})
    everything = {identifier(entity): entity for entity in (*entities, *given)}
    hosts = document.get("hosts", {})
    if not isinstance(hosts, Mapping):
        raise ValueError(f"hosts must be a table, not {_named(hosts)}")
    new_assigned, new_ids = dict(assigned), dict(resource_ids)
    for name, value in hosts.items():
        host: HostData = read(HostData, value, f"hosts.{name}")
        if host.identities is not None:
            new_assigned[name] = tuple(_identity(one, everything.values(), name) for one in host.identities)
        if host.resource_id is not None:
            new_ids[name] = host.resource_id
    directory.fill(everything.values(), new_assigned, new_ids)


def _identity(name: str, entities: Iterable[Entity], host: str) -> str:
    """Return the client id of the managed identity with this client id or name."""
    for entity in entities:
        if isinstance(entity, ManagedIdentity) and name.lower() in (entity.client_id.lower(), entity.name.lower()):
            return entity.client_id
    raise ValueError(f"hosts.{host}.identities: there is no managed identity {name!r}")


def _read_fields(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be a table, not {_named(value)}")
    known = {one.name: one for one in _fields(kind)}
    for name in value:
        check_known(name, known, where)
    missing = [name for name, one in known.items() if name not in value and _is_needed(one)]
    if missing:
        raise ValueError(f"{where} lacks {missing[0]!r}")
    hints = get_type_hints(kind)
    return kind(**{name: read(hints[name], one, f"{where}.{name}") for name, one in value.items()})


def check_known(name: object, known: Mapping[str, object], where: str) -> None:
    """Raise ValueError for a key that is not known, with the nearest one that is."""
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
        raise ValueError(f"{where} has no key {name!r}; {hint}")


def _read_simple(kind: Any, value: object, where: str) -> Any:
    if kind is timedelta:
        return _read_duration(value, where)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number:
        return float(value)  # type: ignore[arg-type]
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise ValueError(f"{where} must be {_article(_SIMPLE.get(kind, 'string'))}, not {_named(value)}")


def _read_duration(value: object, where: str) -> timedelta:
    try:
        return as_timedelta(value, negative=True)  # type: ignore[arg-type]  # it raises ValueError for another type
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _named(value: object) -> str:
    """Return of which kind a value is, which says nothing of a secret that may be in it."""
    kinds = {dict: "a table", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing" if value is None else type(value).__name__)


def _fields(kind: Any) -> tuple[Field[Any], ...]:
    return fields(kind)


def _is_needed(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING
