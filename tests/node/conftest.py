"""Every test here runs Node.js with a package from npm; where one of the two is not there, it is skipped."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="module")
def _node(request: pytest.FixtureRequest) -> None:
    """Skip the tests of a module whose `PACKAGE` is not installed; by default that is @azure/identity."""
    package = getattr(request.module, "PACKAGE", "@azure/identity")
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    if not (ROOT / "node_modules" / package).exists():
        pytest.skip(f"{package} is not installed; run: npm ci")
