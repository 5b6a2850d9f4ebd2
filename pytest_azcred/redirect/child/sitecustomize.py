"""Loads a test's redirection into a child Python process, which finds this module first on PYTHONPATH.

`AZCRED_ROUTING` names the file with the routes. A sitecustomize of the user's own is run as well.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path


def _redirect(saved: Path) -> None:
    """Redirect this process; raises SystemExit if that fails, since it would reach the real hosts."""
    root = str(Path(__file__).resolve().parents[3])
    path = list(sys.path)
    sys.path.append(root)  # the child may run in an environment where pytest-azcred is not installed
    try:
        importlib.import_module("pytest_azcred.redirect.routing").Routing.resume(saved)
    except Exception as error:
        raise SystemExit(f"azcred could not redirect the connections of this process: {error!r}") from error
    finally:
        sys.path[:] = path


def _run_the_next() -> None:
    """Run the sitecustomize that this one has hidden, as Python itself would, errors included."""
    here = Path(__file__).resolve().parent
    others = [entry for entry in sys.path if Path(entry).resolve() != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_saved = Path(os.environ.get("AZCRED_ROUTING", ""))
if _saved.is_file():  # else the run that started this process is over
    _redirect(_saved)
_run_the_next()
