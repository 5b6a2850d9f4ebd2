"""Runs of `azcred run`."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.azcred_run import AZCRED, ROOT, Ran


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the command puts its own."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture
def azcred_run(tmp_path: Path, temporary: Path) -> Callable[..., Ran]:
    """Run a command with `azcred run`, in environments; the rest are options of `subprocess.run`."""

    def run(*command: str, environments: tuple[str, ...] = (), options: tuple[str, ...] = (), **others: Any) -> Ran:
        journal = tmp_path / "journal.jsonl"
        names = [word for name in environments for word in ("--environment", name)]
        process = subprocess.run(
            [*AZCRED, "run", *names, "--journal", str(journal), *options, "--", *command],
            **{"env": {**os.environ, "TMPDIR": str(temporary)}, "cwd": ROOT, **others},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Ran(process, journal)

    return run
