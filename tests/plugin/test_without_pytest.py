"""Environments for unittest, Django and scripts: `pytest_azcred.environment`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PRELUDE = """
import os, jwt, pytest_azcred
from azure.identity import DefaultAzureCredential

def whose_token():
    with DefaultAzureCredential() as credential:
        token = credential.get_token("https://vault.azure.net/.default").token
    return jwt.decode(token, options={"verify_signature": False})["appid"]
"""


def run(tmp_path: Path, program: str, *arguments: str) -> str:
    """Run a program as its user would and return what it prints."""
    (tmp_path / "program.py").write_text(PRELUDE + program)
    command = [sys.executable, *(arguments or ["program.py"])]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_a_script(tmp_path: Path) -> None:
    """One environment after another; each is left with everything that it set up, and pytest is not imported."""
    printed = run(
        tmp_path,
        """
import sys
assert "pytest" not in sys.modules
before = dict(os.environ)
for name in ("kubernetes", "app-service", "kubernetes"):
    with pytest_azcred.environment(name) as azcred:
        assert whose_token() == azcred.place.identity.client_id
        azcred.journal.assert_tokens(times=1)
    assert dict(os.environ) == before
assert "pytest" not in sys.modules
print("done")
""",
    )
    assert printed == "done\n"


def test_environments_nest(tmp_path: Path) -> None:
    """The inner one has its own requests and hides the outer one's place; an empty call isolates only."""
    run(
        tmp_path,
        """
with pytest_azcred.environment() as outer:
    assert outer.place is None
    with pytest_azcred.environment("virtual-machine", "on-premises-secret") as azcred:
        assert whose_token() == azcred.place.identity.client_id
        with pytest_azcred.environment("developer-service-principal") as inner:
            assert whose_token() == inner.place.identity.client_id
            inner.journal.assert_tokens(times=1)
        with pytest_azcred.environment() as inner:
            assert whose_token() == azcred.place.identity.client_id
            assert inner.place.environment.name == "on-premises-secret"
        assert azcred.place.environment.name == "on-premises-secret"
    assert outer.place is None
    outer.journal.assert_tokens(times=3)
""",
    )


def test_unittest(tmp_path: Path) -> None:
    """As a decorator of a method, as a context manager, and for a whole class."""
    printed = run(
        tmp_path,
        """
import unittest

class Decorated(unittest.TestCase):
    @pytest_azcred.environment("kubernetes")
    def test_decorated(self):
        self.assertTrue(whose_token())

    def test_context(self):
        azcred = self.enterContext(pytest_azcred.environment("azure-arc")) if hasattr(self, "enterContext") else None
        if azcred:
            self.assertEqual(whose_token(), azcred.place.identity.client_id)

class Whole(unittest.TestCase):
    def setUp(self):
        manager = pytest_azcred.environment("app-service")
        self.azcred = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)

    def test_one(self):
        self.assertEqual(whose_token(), self.azcred.place.identity.client_id)
""",
        "-m",
        "unittest",
        "program",
    )
    assert "OK" in printed


def test_a_wrong_name_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    """And the next one works."""
    run(
        tmp_path,
        """
before = dict(os.environ)
try:
    with pytest_azcred.environment("kubernets"):
        raise AssertionError
except LookupError as error:
    assert "did you mean 'kubernetes'" in str(error)
assert dict(os.environ) == before
with pytest_azcred.environment("functions"):
    whose_token()
""",
    )
