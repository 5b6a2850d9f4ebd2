"""The configuration of a standalone server: a TOML file, whose keys are fields of what it describes."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from azcred_emulators.directory.serialization import KINDS, check_known, fill_directory, read
from azcred_emulators.environments import select
from azcred_emulators.standalone.control.guard import check_key

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it with that Python

if TYPE_CHECKING:
    from azcred_emulators.apis.answers import Answer
    from azcred_emulators.apis.protected_resource import ProtectedResource
    from azcred_emulators.emulators import Emulators

_FAULT_OPTIONS = ("emulator", "times", "nth", "optional")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyData:
    """An answer of a protected resource: its body is `data`, which is text, `json` of any form, or a list of events."""

    status: int = 200
    data: str = ""
    json: object = None
    events: tuple[object, ...] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self) -> "Answer":
        """Return it as an answer; raises ValueError for what cannot be sent."""
        from azcred_emulators.apis.answers import Answer

        return Answer(self.status, self.json, self.data, self.headers, self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerData(BodyData):
    """The answer of a protected resource to requests with this path, and those that come `then`."""

    path: str
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    then: tuple[BodyData, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceData:
    """A protected resource at a real https `url`.

    `audience` is text or a list of texts, `content` what its stand-in holds, and `allowed` those who alone may use it.
    """

    url: str
    audience: object = None
    tenant: str | None = None
    allowed: tuple[str, ...] | None = None
    content: Mapping[str, object] = field(default_factory=dict)
    answers: tuple[AnswerData, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """How a server is set up.

    The server listens at `address`; `http_port` and `https_port` are 0 for free ones. Other machines must send the
    bearer `key` to the control API. Its requests name localhost, `address` or one of the `host_names`, the first of
    which is in the URLs that the server prints. It starts in the `environments`. `stand_ins` are classes of the
    user's own, "module:Class" or "file.py:Class". The rest is plain data: what `directory` adds to the default one,
    `faults` and protected `resources`.
    """

    address: str = "127.0.0.1"
    http_port: int = 0
    https_port: int = 0
    key: str | None = field(default=None, repr=False)
    host_names: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    directory: Mapping[str, Any] = field(default_factory=dict, repr=False)
    faults: tuple[Mapping[str, Any], ...] = ()
    resources: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.address:  # a socket would listen on every network
            raise ValueError("address must be an address of this machine such as '127.0.0.1', not ''")
        for name in ("http_port", "https_port"):
            port = getattr(self, name)
            if not 0 <= port <= 65535:
                raise ValueError(f"{name} must be a port, or 0 for a free one, not {port}")
        check_key(self.key)

    def apply(self, emulators: "Emulators") -> None:
        """Set emulators up; raises ValueError that names the key at fault."""
        fill_directory(emulators.directory, self.directory, keep=True)
        emulators.directory.keep()
        if self.stand_ins:
            from azcred_emulators.apis.stand_ins.loading import load_stand_ins

            try:
                emulators.resources.stand_ins = tuple(load_stand_ins(self.stand_ins, Path()))
            except ValueError as error:
                raise ValueError(f"stand_ins: {error}") from None
        for number, data in enumerate(self.faults):
            add_fault(emulators, data, f"faults[{number}]")
        for number, data in enumerate(self.resources):
            add_resource(emulators, data, f"resources[{number}]")


_PLAIN_DATA = ("directory", "faults", "resources")
_SETTINGS = {setting.name: setting for setting in fields(Configuration) if setting.name not in _PLAIN_DATA}
_KEYS: Mapping[str, object] = {**_SETTINGS, **KINDS, "hosts": None, "faults": None, "resources": None}


def load(path: Path) -> Configuration:
    """Read a configuration file.

    Raises OSError if it cannot be read, ValueError that names the line or key at fault.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    try:
        return configuration(_with_files(document, path.parent))
    except ValueError as error:
        raise ValueError(f"{path}{_line(path, str(error))}: {error}") from None


def configuration(document: Mapping[str, Any]) -> Configuration:
    """Return the configuration that plain data describes; raises ValueError that names the key at fault."""
    for name in document:
        check_known(name, _KEYS, "the configuration")
    hints = {"address": str, "http_port": int, "https_port": int, "key": str}
    settings: dict[str, Any] = {
        name: read(hints.get(name, tuple[str, ...]), document[name], name) for name in _SETTINGS if name in document
    }
    try:
        select(*settings.get("environments", ()))
    except LookupError as error:
        raise ValueError(f"environments: {error.args[0]}") from None
    lists = {name: _tables(document.get(name, []), name) for name in ("faults", "resources")}
    directory = {name: document[name] for name in (*KINDS, "hosts") if name in document}
    return Configuration(**settings, directory=directory, **lists)  # type: ignore[arg-type]  # by their names


def add_fault(emulators: "Emulators", data: Mapping[str, Any], where: str = "the fault") -> None:
    """Add the fault that plain data describes: its kind and fields, the `emulator`, and when it happens.

    Criteria are keys of their own, as Python's keywords are: `operation = "token"`. Where a field of the kind has the
    same name, the field is meant. Raises ValueError if the data is not of that form, or there is no such emulator.
    """
    from azcred_emulators.emulation.criteria import hint
    from azcred_emulators.emulation.script import CRITERIA
    from azcred_emulators.faults.registry import fields_of, read_fault

    scripts = emulators.faults()
    options = {name: data[name] for name in _FAULT_OPTIONS if name in data}
    name = str(options.pop("emulator", ""))
    if name not in scripts:
        raise ValueError(f"{where} is for no emulator {name!r}; {hint(name, scripts)}")
    others = {key: value for key, value in data.items() if key not in _FAULT_OPTIONS}
    criteria = {key: others.pop(key) for key in CRITERIA - set(fields_of(str(data.get("kind")))) if key in others}
    for option, value in options.items():
        kind: type = bool if option == "optional" else int
        read(kind, value, f"{where}.{option}")
    if not 1 <= options.get("times", 1) <= 1000:
        raise ValueError(f"{where}.times must be from 1 to 1000")
    try:
        fault = read_fault(others, also=(*CRITERIA, *_FAULT_OPTIONS))
        scripts[name].add(fault, **options, **criteria)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None


def add_resource(emulators: "Emulators", data: Mapping[str, Any], where: str = "the resource") -> "ProtectedResource":
    """Put a protected resource at a real https `url`, or change the one that is there; returns it.

    Raises ValueError if the data is not of that form.
    """
    described: ResourceData = read(ResourceData, data, where)
    url = urlsplit(described.url)
    if url.scheme != "https" or not url.hostname:
        raise ValueError(f"{where}.url must be an https URL such as 'https://myvault.vault.azure.net'")
    audience = cast("str | Sequence[str] | None", described.audience)
    try:
        resource = emulators.resources.add(url.hostname, audience, tenant=described.tenant)
    except ValueError as error:
        raise ValueError(f"{where}.{'tenant' if 'tenant' in str(error) else 'audience'}: {error}") from None
    try:
        if described.content:
            resource.fill(**described.content)
    except ValueError as error:
        raise ValueError(f"{where}.content: {error}") from None
    try:
        if described.allowed is not None:
            resource.allow(*described.allowed)
    except LookupError as error:
        raise ValueError(f"{where}.allowed: {error.args[0]}") from None
    try:
        for rule in described.answers:
            resource.answer(
                rule.method,
                rule.path,
                *(each.answer() for each in (rule, *rule.then)),
                query=rule.query,
                anonymous=rule.anonymous,
                scopes=rule.scopes,
                roles=rule.roles,
            )
    except ValueError as error:
        raise ValueError(f"{where}.answers: {error}") from None
    return resource


def _tables(value: object, where: str) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(table, Mapping) for table in value):
        raise ValueError(f"{where} must be a list of tables")
    return tuple(value)


def _with_files(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the document with the names of certificate files replaced by their contents, and files of stand-ins by
    their paths.
    """
    stand_ins = document.get("stand_ins")
    if isinstance(stand_ins, list):
        paths = [str(folder / each) if isinstance(each, str) and ".py:" in each else each for each in stand_ins]
        document = {**document, "stand_ins": paths}
    applications = document.get("applications", [])
    if not isinstance(applications, list):
        return dict(document)
    changed = []
    for number, application in enumerate(applications):
        if isinstance(application, Mapping) and isinstance(application.get("certificates"), list):
            where = f"applications[{number}].certificates"
            application = {
                **application,
                "certificates": [_content(folder, file, where) for file in application["certificates"]],
            }
        changed.append(application)
    return {**document, **({"applications": changed} if changed else {})}


def _content(folder: Path, name: object, where: str) -> object:
    if not isinstance(name, str) or "-----BEGIN" in name:
        return name
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise ValueError(f"{where}: the file {name!r} cannot be read") from None


def _line(path: Path, message: str) -> str:
    """Return the line of the key that a message names, if the file has it once, as `:12`."""
    match = re.search(r"no key '([^']+)'", message) or re.match(r"(\w+)", message)
    key = match[1] if match else ""
    lines = path.read_text(encoding="utf-8").splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if re.match(rf"\s*\[*[\w.]*\b{re.escape(key)}\b", line)]
    return f":{numbers[0]}" if len(numbers) == 1 else ""
