"""Goes the way of a new user: builds the wheel, installs it into a clean environment, and runs the first tests.

These are those of an app of ten lines, and the first example of the README as it stands there. Only the installation
uses the package index; the tests run without any network where this machine can take it away from them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300  # seconds until the first test must have been green
APP = """\
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient


def database_password():
    with DefaultAzureCredential() as credential:
        with SecretClient("https://shop.vault.azure.net", credential) as secrets:
            return secrets.get_secret("database").value
"""
TEST = """\
import app
import pytest


@pytest.mark.azcred("kubernetes", "app-service", "developer-azure-cli")
def test_password(azcred):
    vault = azcred.resource("https://shop.vault.azure.net")
    vault.answer("GET", "/secrets/database", json={"value": "hunter2", "id": f"{vault.url}/secrets/database/1"})
    assert app.database_password() == "hunter2"
"""
PACKAGES = ("azure-identity", "azure-keyvault-secrets", "azure-storage-blob")
_OFFLINE = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "offline")


def run(*command: str | Path, within: Path) -> str:
    """Run a command that must succeed, with nothing of this project on its path; returns what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    result = subprocess.run(command, cwd=within, env=environ, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def offline() -> tuple[str, ...]:
    """Return what to put before a command so that it has no network but loopback; nothing where that cannot be."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return ()
    return () if subprocess.run([*_OFFLINE, "true"], capture_output=True, check=False).returncode else _OFFLINE


def first_example() -> tuple[str, str]:
    """Return the name and the content of the first file in the README."""
    found = re.search(r"^```python\n# (\S+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit("the README has no example that begins with the name of its file")
    return found[1], found[2]


def main() -> int:
    """Go the way, and tell how long each part of it takes."""
    started = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {what}", flush=True)

    with tempfile.TemporaryDirectory(prefix="new-user-") as name:
        folder = Path(name)
        pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
        run(sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, within=folder)
        [wheel] = folder.glob("pytest_azcred-*.whl")
        tell(f"{wheel.name} is built")
        venv.create(folder / "environment", with_pip=True)
        python = folder / "environment" / "bin" / "python"
        run(python, *pip, "install", wheel, *PACKAGES, within=folder)
        tell(f"it is installed into a clean environment, with {', '.join(PACKAGES)}")
        work = folder / "shop"
        work.mkdir()
        (work / "app.py").write_text(APP)
        (work / "test_app.py").write_text(TEST)
        without = offline()
        where = "without a network" if without else "with the network, which cannot be taken away here"
        pytest: tuple[str | Path, ...] = (*without, python, "-m", "pytest", "-q")
        assert "3 passed" in run(*pytest, "test_app.py", within=work)
        tell(f"an app of ten lines is tested in three environments, {where}")
        if time.monotonic() - started > PATIENCE:
            raise SystemExit(f"a new user had to wait more than {PATIENCE} seconds for the first green test")
        example, code = first_example()
        (work / example).write_text(code)
        azurite = ROOT / "node_modules" / ".bin" / "azurite"
        if "azurite" in code and not azurite.exists():
            tell("the first example of the README needs Azurite, which is not here: npm ci")
            return 0
        assert "1 passed" in run(*pytest, "-o", f"azcred_azurite_executable={azurite}", example, within=work)
        tell(f"so is the first example of the README, {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
