"""The control API under requests made up from its own OpenAPI document."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.standalone import managed_identity_token

from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.control.operations import OPERATIONS
from azcred_emulators.standalone.server import StandaloneServer

pytestmark = pytest.mark.slow


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed; run: make test")
def test_no_request_is_answered_by_a_server_error(tmp_path: Path) -> None:
    """Valid or not; afterwards a reset gives the server its state at the start."""
    command = "import sys; from schemathesis.cli import schemathesis; sys.argv[0] = 'schemathesis'; schemathesis()"
    options = ["--checks", "not_a_server_error", "--max-examples", "10", "--phases", "fuzzing"]
    options += ["--exclude-operation-id", "journal", "--exclude-operation-id", "journalEvents"]  # they may wait
    options += ["--request-timeout", "20", "--no-color"]
    with StandaloneServer(Configuration()) as server:
        url = server.main.emulators.http.url
        ran = subprocess.run(
            [sys.executable, "-c", command, "run", f"{url}/azcred/openapi.json", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        assert f"Tested: {len(OPERATIONS) - 2}" in ran.stdout
        server.main.reset()
        assert managed_identity_token(url).status_code == 200
