"""A standalone server in a process of its own, and a request to it."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from support.azcred_run import AZCRED

VAULT = "https://vault.azure.net"


@contextmanager
def serving(ready_file: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """Run a server; gives the process, and what is in its ready file."""
    (ready_file.parent / "tmp").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [*AZCRED, "serve", "--ready-file", str(ready_file), *options],
        env={**os.environ, "TMPDIR": str(ready_file.parent / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line.startswith(("azcred: ready at http://127.0.0.1:", "azcred: ready at http://[::1]:")), (
                line,
                process.communicate(),
            )
            yield process, json.loads(ready_file.read_text())
        finally:
            process.kill()


def managed_identity_token(url: str, **headers: str) -> requests.Response:
    """Ask the metadata service at a URL for a token."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(
            f"{url}/metadata/identity/oauth2/token",
            params={"api-version": "2018-02-01", "resource": VAULT},
            headers={"Metadata": "true", **headers},
            timeout=20,
        )
