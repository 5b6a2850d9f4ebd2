"""Lets other folders stand for those at fixed places, for Python code that reads them.

Azure Arc's agent proves by a file in `/var/opt/azcmagent/tokens` that a client may have a token, and no SDK takes it
from anywhere else. Writing there would take root, and would meddle with a real agent. So while an environment needs
it, Python's functions that open and look at files are led to a private folder for paths below these few, and for no
others. Only the light part of the standard library is imported here: child processes load this, too.
"""

import builtins
import io
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pytest_azcred.redirect.patching import Patches

ABSENT = os.path.join(os.sep, "nonexistent")  # stands for a folder that is not to be seen

_FUNCTIONS = ("access", "listdir", "lstat", "open", "scandir", "stat")  # those of `os` that take a path


class Folders:
    """The redirection of this process's look at some folders."""

    def __init__(self) -> None:
        self._table: Mapping[str, str] = {}
        self._patches = Patches(isolating=True)

    @property
    def table(self) -> Mapping[str, str]:
        """The folders that others stand for, with these."""
        return self._table

    def redirect(self, table: Mapping[str, str]) -> None:
        """Let the folders named by the table's values stand for those named by its keys, and for no others."""
        if bool(table) != bool(self._table):
            if table:
                self._activate()
            else:
                self._patches.undo()
        self._table = dict(table)

    def _activate(self) -> None:
        self._patches.wrap(builtins, "open", self._redirected)
        self._patches.replace(io, "open", builtins.open)
        for name in _FUNCTIONS:
            original = getattr(os, name)
            self._patches.wrap(os, name, self._redirected)
            for supporting in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
                if original in supporting:  # shutil asks which functions take what
                    supporting.add(getattr(os, name))
                    self._patches.afterwards(partial(supporting.discard, getattr(os, name)))

        self._patches.after_import("pathlib", self._patch_pathlib)

    def _patch_pathlib(self, pathlib: Any) -> None:
        """Let paths go through the functions of `os` as they are now; Python 3.10's have kept them since the import."""
        accessor = getattr(pathlib, "_NormalAccessor", None)
        for name in _FUNCTIONS:
            if accessor and hasattr(accessor, name):
                self._patches.replace(accessor, name, staticmethod(io.open if name == "open" else getattr(os, name)))

    def _redirected(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def look(*arguments: Any, **keywords: Any) -> Any:
            if not arguments:
                return original(**{name: self._place(value) for name, value in keywords.items()})
            path, *rest = arguments
            try:
                return original(self._place(path), *rest, **keywords)
            except OSError as error:
                error.filename = path if error.filename == self._place(path) else error.filename
                raise

        return look

    def _place(self, path: Any) -> Any:
        """Return where a path leads; what is no path is returned as it is, for the function to judge."""
        if not isinstance(path, str | bytes | os.PathLike):
            return path
        text = os.fsdecode(path)
        for folder, stand_in in self._table.items():
            if text.startswith(folder):
                rest = os.path.normpath(text)[len(folder) :]
                if not rest or rest.startswith(os.sep):
                    return stand_in + rest
        return path
