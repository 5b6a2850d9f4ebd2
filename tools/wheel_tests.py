"""Runs the fast part of the suite with the wheel that is in dist/, in a folder where there are no sources.

The tests about the repository itself, those directly in tests/, stay behind.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv-wheel"


def main(arguments: Sequence[str] | None = None) -> int:
    """Install the wheel with what the tests need, and run them; arguments are pytest's."""
    wheels = list((ROOT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        raise SystemExit(f"dist/ has {len(wheels)} wheels, not one: make check-release builds it")
    python = ENVIRONMENT / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, "--group", "dev", wheels[0]], cwd=ROOT, check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", wheels[0]], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="wheel-tests-") as name:
        folder = Path(name)
        for part in ("tests", "tools"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (folder / "tests").glob("test_*.py"):
            path.unlink()
        shutil.copy(ROOT / "pyproject.toml", folder)
        command: list[str | Path] = [
            python,
            "-m",
            "pytest",
            "-n",
            "auto",
            "-m",
            "not slow",
            *(arguments or sys.argv[1:]),
        ]
        where = "import pytest_azcred; print(pytest_azcred.__file__)"
        print(subprocess.run([python, "-c", where], cwd=folder, check=True, capture_output=True, text=True).stdout)
        return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
