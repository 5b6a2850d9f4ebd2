"""Runs the tests that drive unmodified SDKs with several releases of azure-identity, each installed on its own.

    python tools/matrix.py                  # every release of RELEASES
    python tools/matrix.py 1.15.0 latest

What else a release needs is left to its own dependencies, as it is for users.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv-matrix"
RELEASES = ("1.15.0", "1.19.0", "1.23.0", "latest")
SUITES = ("interop", "storage")
PACKAGES = ("azure-identity", "msal", "azure-core")
REQUIREMENTS = (
    "aiohttp",
    "azure-data-tables",
    "azure-storage-blob",
    "azure-storage-file-datalake",
    "azure-storage-queue",
    "opentelemetry-resource-detector-azure",
    "pytest>=9",
    "pytest-asyncio",
    "pytest-randomly",
    "pytest-timeout",
)
# Old releases of azure-identity call a method that newer ones of msal deprecate, and verify nothing of Service Fabric.
WARNINGS = ("ignore:Use list(search:DeprecationWarning", "ignore:Unverified HTTPS request")


@dataclass(frozen=True)
class Result:
    """What the tests of one release came to: a line of the table."""

    release: str
    versions: Mapping[str, str]
    outcomes: Mapping[str, str]
    seconds: float
    log: str
    passed: bool


def python(release: str) -> Path:
    """Return the release's own Python."""
    folder = FOLDER / release
    return folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"


def install(release: str) -> None:
    """Install the project and a release of azure-identity, unless that has been done."""
    identity = "azure-identity" if release == "latest" else f"azure-identity=={release}"
    requirements = [identity, *REQUIREMENTS]
    stamp = FOLDER / release / "installed"
    wanted = "\n".join([*requirements, (ROOT / "pyproject.toml").read_text()])
    if release != "latest" and stamp.exists() and stamp.read_text() == wanted:
        return
    if not python(release).exists():
        venv.create(FOLDER / release, with_pip=True)
    pip = [str(python(release)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    subprocess.run([*pip, "--editable", str(ROOT), *requirements], check=True)
    stamp.write_text(wanted)


def versions(release: str) -> dict[str, str]:
    """Return the versions of what decides the results."""
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    run = subprocess.run([python(release), "-c", code, *PACKAGES], check=True, capture_output=True, text=True)
    return dict(zip(PACKAGES, run.stdout.split(), strict=True))


def outcomes(report: Path) -> dict[str, str]:
    """Return for each suite how many tests did what, in the report that pytest has left."""
    counts = {suite: Counter[str]() for suite in SUITES}
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        for suite in SUITES:
            if f"tests.{suite}." in case.get("classname", ""):
                counts[suite][kinds.pop() if kinds else "passed"] += 1
    words = {"passed": "passed", "failure": "failed", "error": "errors", "skipped": "skipped"}
    return {
        suite: ", ".join(f"{count[kind]} {word}" for kind, word in words.items() if count[kind]) or "did not run"
        for suite, count in counts.items()
    }


def test(release: str) -> Result:
    """Install a release and run the tests with it."""
    started = time.perf_counter()
    install(release)
    report = FOLDER / release / "report.xml"
    report.unlink(missing_ok=True)
    options = [f"--junitxml={report}", "-o", "junit_family=xunit1", "-p", "no:cacheprovider", "--color=no"]
    run = subprocess.run(
        [
            python(release),
            *("-m", "pytest", *options),
            *(argument for warning in WARNINGS for argument in ("-W", warning)),
            *(f"tests/{suite}" for suite in SUITES),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    return Result(release, versions(release), outcomes(report), seconds, run.stdout, run.returncode == 0)


def table(results: Sequence[Result]) -> str:
    """Return the results for a person to read."""
    rows = [["release", *PACKAGES, *SUITES, "seconds"]]
    for result in results:
        cells = [result.versions[package] for package in PACKAGES] + [result.outcomes[suite] for suite in SUITES]
        rows.append([result.release, *cells, f"{result.seconds:.0f}"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main() -> int:
    """Run the matrix; the exit status is 1 if a test failed."""
    parser = argparse.ArgumentParser(description="Run the tests with several releases of azure-identity.")
    parser.add_argument("releases", nargs="*", metavar="RELEASE", help=f"by default {' '.join(RELEASES)}")
    results = []
    for release in parser.parse_args().releases or RELEASES:
        print(f"azure-identity {release} ...", flush=True)
        result = test(release)
        results.append(result)
        if not result.passed:
            print(result.log)
    print(table(results))
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
