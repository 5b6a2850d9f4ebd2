"""Hides the identity of whoever runs the tests or a command: variables, files in the home folder, and tools on PATH.

Where they run is hidden, too, so that an app takes the place for what it is.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from azcred_emulators.environments.identity_variables import (
    FOLDERS,
    PLATFORMS,
    PROXIES,
    SECRETS,
    SETTINGS,
    check_kept,
)

_Value = TypeVar("_Value", bound="str | None")

_TOOLS = ("az", "azd", "powershell", "pwsh")
_WINDOWS_SUFFIXES = ("", ".bat", ".cmd", ".exe", ".ps1")


def isolation(environ: Mapping[str, str], folder: Path, keep: Collection[str] = ()) -> dict[str, str | None]:
    """Return the variables to set, or to remove where the value is None, so that no real identity is found.

    `environ` is the environment to isolate, `folder` a private one: for an empty home, whose parent holds all that
    is this isolation's own, and for the parts of PATH that hold `az`, `azd` or PowerShell beside tools that must stay.
    `keep` are names that are not hidden; raises ValueError for those that must be.
    """
    hidden = {*SETTINGS, *SECRETS, *PLATFORMS, *PROXIES, *(name.lower() for name in PROXIES)} - set(check_kept(keep))
    changes: dict[str, str | None] = {name: None for name in sorted(hidden) if name in environ}
    changes |= new_home(environ, folder)
    changes["PATH"] = os.pathsep.join(_without_tools(environ.get("PATH", os.defpath), folder))
    if sys.platform in ("darwin", "win32"):
        changes["NO_PROXY"] = "*"  # else a proxy from the system's settings takes the place of the variables
        if "PYTHON_KEYRING_BACKEND" not in keep:  # else it is the system's, which no variable leads to
            changes["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    return distinct(changes)


def distinct(variables: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return variables under the names that this platform tells apart: on Windows capitals, where others are the same.

    There a value outlasts the removal of the same variable under another spelling.
    """
    if sys.platform != "win32":
        return dict(variables)
    removed = {name.upper(): value for name, value in variables.items() if value is None}
    return removed | {name.upper(): value for name, value in variables.items() if value is not None}


def new_home(environ: Mapping[str, str], folder: Path) -> dict[str, str | None]:
    """Make an empty home in a private folder, and return the variables that name it: an app may leave a cache there."""
    user = Path(tempfile.mkdtemp(prefix="user-", dir=folder))
    home, runtime = user / "home", user / "run"
    home.mkdir(mode=0o700)
    variables: dict[str, str | None] = {name: str(home / place) for name, place in FOLDERS.items() if name in environ}
    if "XDG_RUNTIME_DIR" in environ:
        runtime.mkdir(mode=0o700)
        variables["XDG_RUNTIME_DIR"] = str(runtime)
    if "DBUS_SESSION_BUS_ADDRESS" in environ:  # without it, C libraries would look for a bus by other ways
        variables["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={runtime / 'bus'}"
    variables |= {"HOME": str(home), "AZURE_CONFIG_DIR": str(home / ".azure"), "AZD_CONFIG_DIR": str(home / ".azd")}
    if sys.platform == "win32":
        variables |= {"USERPROFILE": str(home), "LOCALAPPDATA": str(home / FOLDERS["LOCALAPPDATA"])}
    return variables


def _without_tools(path: str, folder: Path) -> Iterator[str]:
    """Yield the entries of PATH, those that hold a tool replaced by a copy without it."""
    for entry in path.split(os.pathsep):
        if not _holds_tool(entry):
            yield entry
        elif sys.platform != "win32":  # there every tool has a folder of its own, and links need privileges
            yield str(_shadow(Path(entry).absolute(), folder / "path"))


def _holds_tool(entry: str) -> bool:
    try:
        changed = os.stat(entry).st_mtime_ns
    except (OSError, ValueError):  # nobody finds anything there
        return False
    return _held_tool(entry, changed)


@lru_cache
def _held_tool(entry: str, changed: int) -> bool:
    """Tell whether a folder holds a tool that was last changed then; each test asks for each entry."""
    suffixes = _WINDOWS_SUFFIXES if sys.platform == "win32" else ("",)
    return any(os.path.isfile(os.path.join(entry, tool + suffix)) for tool in _TOOLS for suffix in suffixes)


def _shadow(entry: Path, folder: Path) -> Path:
    """Make a folder of links to everything in a PATH entry but the tools, once per run.

    A Python in a virtual environment looks beside its folder for `pyvenv.cfg` and `lib`, so these are linked, too.
    """
    parent = folder / hashlib.sha256(bytes(entry)).hexdigest()[:16]
    shadow = parent / "bin"
    if not shadow.exists():
        shadow.mkdir(parents=True)
        for file in os.scandir(entry):
            if file.name not in _TOOLS:
                os.symlink(file.path, shadow / file.name)
        if (entry.parent / "pyvenv.cfg").exists():
            for file in os.scandir(entry.parent):
                if Path(file.path) != entry:
                    os.symlink(file.path, parent / file.name)
    return shadow
