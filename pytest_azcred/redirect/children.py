"""How child processes of Python are redirected: by a `sitecustomize` that they find first on PYTHONPATH."""

import os
from collections.abc import Mapping
from pathlib import Path

ROUTING = "routing.json"  # the file of a run's folder that children read
_CHILD = str(Path(__file__).parent / "child")


def children(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the variables by which children of Python go where `routing.json` in a folder leads."""
    path = os.pathsep.join(filter(None, (_CHILD, environ.get("PYTHONPATH"))))
    return {"AZCRED_ROUTING": str(folder / ROUTING), "PYTHONPATH": path}
