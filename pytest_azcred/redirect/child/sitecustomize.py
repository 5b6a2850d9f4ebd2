"""Loads a test's redirection into a child Python process, which finds this module first on PYTHONPATH.

`AZCRED_ROUTING` names the file with the routes; a process that starts when the file is gone ends. A sitecustomize of
the user's own is run as well.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path


def _redirect(saved: str) -> None:
    """Redirect this process; ends it if that fails, since it would reach the real hosts.

    An exception would not end it: Python prints those of a sitecustomize and goes on.
    """
    root = str(Path(__file__).resolve().parents[3])
    path = list(sys.path)
    sys.path.append(root)  # the child may run in an environment where pytest-azcred is not installed
    try:
        importlib.import_module("pytest_azcred.redirect.routing").Routing.resume(Path(saved))
    except FileNotFoundError:
        _end(
            f"the test or the command that it belongs to is over: {saved} is gone. Start it earlier, or without the "
            "variable AZCRED_ROUTING"
        )
    except BaseException as error:
        _end(repr(error))
    finally:
        sys.path[:] = path


def _end(reason: str) -> None:
    """End this process at once, whatever it would do next."""
    try:
        os.write(2, f"azcred could not redirect the connections of this process, so it ends: {reason}\n".encode())
    finally:
        os._exit(1)


def _run_the_next() -> None:
    """Run the sitecustomize that this one has hidden, as Python itself would, errors included."""
    here = Path(__file__).resolve().parent
    others = [entry for entry in sys.path if Path(entry).resolve() != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if _saved := os.environ.get("AZCRED_ROUTING"):
    _redirect(_saved)
_run_the_next()
