"""The `azcred` command as others run it: another process, with nothing of this one redirected."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
AZCRED = (sys.executable, "-m", "pytest_azcred")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
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
