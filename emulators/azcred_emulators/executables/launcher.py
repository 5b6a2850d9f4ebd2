"""The files that put an executable on PATH: a script for POSIX, a batch file for Windows.

They name the interpreter by its absolute path and start it isolated, so the caller's PATH, folder and Python variables
have no effect.
"""

import os
import shlex
import sys
from pathlib import Path

from azcred_emulators.executables import launch

WINDOWS = sys.platform == "win32"


def write(folder: Path, name: str, state: Path, *, windows: bool = WINDOWS) -> Path:
    """Write the launcher of an executable into a folder and return its path.

    `state` is the file that tells it where the emulator is.
    """
    path = folder / (f"{name}.cmd" if windows else name)
    command = [sys.executable, "-I", "-S", launch.__file__, str(state), name]
    text = shim(command) if windows else script(command)
    unfinished = folder / f".{name}.unfinished"
    unfinished.write_bytes(text.encode())
    unfinished.chmod(0o700)
    os.replace(unfinished, path)
    return path


def exists(folder: Path, name: str) -> bool:
    """Tell whether a folder has the launcher of an executable."""
    return any(path.exists() for path in _paths(folder, name))


def remove(folder: Path, name: str) -> None:
    """Delete the launcher of an executable, of either platform, from a folder."""
    for path in _paths(folder, name):
        path.unlink(missing_ok=True)


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / name, folder / f"{name}.cmd"


def script(command: list[str]) -> str:
    """Return a POSIX shell script that becomes this command."""
    return f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n'


def shim(command: list[str]) -> str:
    """Return a Windows batch file that runs this command and ends with its exit code."""
    quoted = " ".join(f'"{part}"' for part in command).replace("%", "%%")
    return f"@echo off\r\n{quoted} %*\r\nexit /b %ERRORLEVEL%\r\n"
