"""Stand-ins of users' own, named in configuration files."""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from azcred_emulators.apis.stand_in import StandIn


def load_stand_ins(names: Iterable[str], folder: Path) -> list[type[StandIn]]:
    """Return the classes that are named "module:Class" or "file.py:Class", a file below a folder.

    Raises ValueError, which has the name, for one that is not there, or no stand-in.
    """
    return [_load(name, folder) for name in names]


def _load(name: str, folder: Path) -> type[StandIn]:
    where, colon, kind = name.rpartition(":")
    if not colon or not kind.isidentifier():
        raise ValueError(f"a stand-in is named 'module:Class' or 'file.py:Class', not {name!r}")
    try:
        module = _from_file(folder / where) if where.endswith(".py") else import_module(where)
    except (ImportError, OSError) as error:
        raise ValueError(f"the stand-in {name!r} cannot be imported: {error}") from None
    found = getattr(module, kind, None)
    if not isinstance(found, type) or not issubclass(found, StandIn):
        raise ValueError(f"{where} has no stand-in {kind!r}: it is a class derived from pytest_azcred.StandIn")
    if not found.hosts:
        raise ValueError(f"the stand-in {name!r} has no hosts, by which it is found")
    return found


def _from_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no file of Python")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
