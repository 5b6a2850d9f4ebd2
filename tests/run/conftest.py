"""The `azcred` command as others run it: another process, with nothing of this one redirected."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AZCRED = (sys.executable, "-m", "pytest_azcred")
WHOSE_TOKEN = """
import jwt
from azure.identity import DefaultAzureCredential
with DefaultAzureCredential() as credential:
    token = credential.get_token("https://vault.azure.net/.default").token
claims = jwt.decode(token, options={"verify_signature": False})
print(claims["appid"], claims.get("upn", "-"))
"""


class Ran:
    """What came of `azcred run`, and the journal of it."""

    def __init__(self, process: "subprocess.CompletedProcess[str]", journal: Path) -> None:
        self.stdout = process.stdout
        self.stderr = process.stderr
        self.exit_code = process.returncode
        self.requests: list[dict[str, Any]] = (
            [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        )


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
