"""Loads a test's redirection into a child Python process, which finds this module first on PYTHONPATH.

`AZCRED_ROUTING` names the file with the routes. A sitecustomize of the user's own is run as well.
"""

import contextlib
import importlib
import os
import sys
from pathlib import Path


def _redirect(saved: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    sys.path.append(root)  # the child may run in an environment where pytest-azcred is not installed
    try:
        routing = importlib.import_module("pytest_azcred.routing")
    finally:
        sys.path.remove(root)
    routing.Routing.load(saved).activate()


def _run_the_next() -> None:
    here = Path(__file__).resolve().parent
    others = [entry for entry in sys.path if Path(entry).resolve() != here]
    with contextlib.suppress(ImportError):
        sys.modules.pop("sitecustomize", None)
        path, sys.path[:] = list(sys.path), others
        try:
            importlib.import_module("sitecustomize")
        finally:
            sys.path[:] = path


_saved = Path(os.environ.get("AZCRED_ROUTING", ""))
if _saved.is_file():
    _redirect(_saved)
_run_the_next()
