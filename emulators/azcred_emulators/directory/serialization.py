"""The content of a directory as plain data, as in configuration files and the control API, and back.

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
    """Return the value of a type that plain data describes; raises ValueError, which names the place (`where`)."""
    if get_origin(kind) in (UnionType, Union):
        if value is None and NoneType in get_args(kind):
            return None
        kind = _not_none(kind)
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} must be a list, not {_type_name(value)}")
        return tuple(read(get_args(kind)[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if get_origin(kind) is Mapping:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a table, not {_type_name(value)}")
        return {name: read(get_args(kind)[1], item, f"{where}.{name}") for name, item in value.items()}
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
            raise ValueError(f"{where} must be one of {', '.join(repr(member.value) for member in kind)}") from None
    return _read_simple(kind, value, where)


def write(value: object) -> Any:
    """Return the plain data from which `read` makes this value."""
    if is_dataclass(value):
        return {field.name: write(getattr(value, field.name)) for field in _fields(value)}
    match value:
        case tuple() | list():
            return [write(item) for item in value]
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
        description = schema(_not_none(kind))
        return {**description, "nullable": True} if NoneType in get_args(kind) else description
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
        required = [field.name for field in _fields(kind) if _is_required(field)]
        return {
            "type": "object",
            "properties": {field.name: schema(hints[field.name]) for field in _fields(kind)},
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return {"type": _SIMPLE.get(kind, "string")}


def kind_of(entity: Entity) -> str:
    """Return the key of the list with entities of this kind."""
    return next(name for name, kind in KINDS.items() if isinstance(entity, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostData:
    """A managed identity host: its `identities` by client id or name, and the ARM id of its machine or app."""

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
    """Fill a directory from what `write_directory` returns, or from a part of it.

    With `keep` the content stays, except for entities with the same ids and for the hosts in the data. Raises
    ValueError with what is wrong in the data.
    """
    for name in document:
        check_known(name, {**KINDS, "hosts": None}, "the directory")
    new_entities = [
        entity
        for name, kind in KINDS.items()
        for entity in read(GenericAlias(tuple, (kind, ...)), document.get(name, []), name)
    ]
    entities, assigned, resource_ids = directory.content() if keep else ([], {}, {})
    everything = {identifier(entity): entity for entity in (*entities, *new_entities)}
    hosts = document.get("hosts", {})
    if not isinstance(hosts, Mapping):
        raise ValueError(f"hosts must be a table, not {_type_name(hosts)}")
    new_assigned, new_ids = dict(assigned), dict(resource_ids)
    for name, value in hosts.items():
        host: HostData = read(HostData, value, f"hosts.{name}")
        if host.identities is not None:
            new_assigned[name] = tuple(_client_id(identity, everything.values(), name) for identity in host.identities)
        if host.resource_id is not None:
            new_ids[name] = host.resource_id
    directory.fill(everything.values(), new_assigned, new_ids)


def _client_id(name: str, entities: Iterable[Entity], host: str) -> str:
    """Return the client id of the managed identity with this client id or name."""
    for entity in entities:
        if isinstance(entity, ManagedIdentity) and name.lower() in (entity.client_id.lower(), entity.name.lower()):
            return entity.client_id
    raise ValueError(f"hosts.{host}.identities: there is no managed identity {name!r}")


def _read_fields(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be a table, not {_type_name(value)}")
    known = {field.name: field for field in _fields(kind)}
    for name in value:
        check_known(name, known, where)
    missing = [name for name, field in known.items() if name not in value and _is_required(field)]
    if missing:
        raise ValueError(f"{where} lacks {missing[0]!r}")
    hints = get_type_hints(kind)
    return kind(**{name: read(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def check_known(name: object, known: Mapping[str, object], where: str) -> None:
    """Raise ValueError for a key that is not known, with the nearest one that is."""
    if name not in known:
        matches = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
        hint = f"did you mean {matches[0]!r}?" if matches else f"there are {', '.join(known)}."
        raise ValueError(f"{where} has no key {name!r}; {hint}")


def _read_simple(kind: Any, value: object, where: str) -> Any:
    if kind is timedelta:
        return _read_duration(value, where)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number:
        return float(value)  # type: ignore[arg-type]
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise ValueError(f"{where} must be {_article(_SIMPLE.get(kind, 'string'))}, not {_type_name(value)}")


def _read_duration(value: object, where: str) -> timedelta:
    try:
        return as_timedelta(value, negative=True)  # type: ignore[arg-type]  # it raises ValueError for another type
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _type_name(value: object) -> str:
    """Return the type of a value in words, without the value: there may be a secret in it."""
    kinds = {dict: "a table", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing" if value is None else type(value).__name__)


def _not_none(union: Any) -> Any:
    """Return the type in an optional type."""
    return next(kind for kind in get_args(union) if kind is not NoneType)


def _fields(kind: Any) -> tuple[Field[Any], ...]:
    return fields(kind)


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
