"""Runs a short form of the suite on each version of Python that this machine has, each in an environment of its own.

python tools/pythons.py                 # every version that is supported and here
python tools/pythons.py 3.10 3.13
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
REQUIREMENTS = (
    "aiodns",
    "aiohttp",
    "azure-identity",
    "httpx",
    "keyring",
    "pytest-asyncio",
    "pytest-httpserver",
    "pytest-randomly",
    "pytest-rerunfailures",
    "pytest-socket",
    "pytest-timeout",
    "pytest-xdist",
    "time-machine",
    "trio",
    "truststore",
    "uvloop",
)
# What depends on the version most: how connections are redirected, and how pytest and event loops are met.
TESTS = (
    "tests/emulators/faults/test_matrix.py",
    "tests/plugin",
    "tests/redirect/test_clients.py",
    "tests/redirect/test_imports.py",
)


def interpreters(version: str) -> Iterator[Path]:
    """Yield where a version of Python may be: on PATH, or among pyenv's."""
    found = shutil.which(f"python{version}")
    if found:
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)


def find(version: str) -> Path | None:
    """Return the Python of this version, None if it is not here."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for python in interpreters(version):
        run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        if run.stdout.strip() == version:
            return python
    return None


def test(version: str, python: Path) -> tuple[bool, str]:
    """Install the project and run the tests; returns whether they passed, and their last line or all that was said."""
    environment = ROOT / ".venv-pythons" / version
    own = environment / "bin" / "python"
    if not own.exists():
        subprocess.run([python, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [
        own,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--editable",
        ROOT,
        *REQUIREMENTS,
    ]
    subprocess.run(pip, check=True)
    run = subprocess.run(
        [own, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--color=no", *TESTS],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    summary = re.findall(r"^\d+ (?:passed|failed|error).*$", run.stdout, re.MULTILINE)
    return run.returncode == 0, summary[-1] if run.returncode == 0 else run.stdout


def main() -> int:
    """Run every version; the exit status is 1 if a test failed, or a version that was named is not here."""
    parser = argparse.ArgumentParser(description="Run a short form of the suite on several versions of Python.")
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"by default those here of {' '.join(VERSIONS)}")
    named = parser.parse_args().versions
    good = True
    for version in named or VERSIONS:
        python = find(version)
        if python is None:
            print(f"Python {version}  is not here", flush=True)
            good = good and not named
            continue
        passed, said = test(version, python)
        print(f"Python {version}  {said}", flush=True)
        good = good and passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
