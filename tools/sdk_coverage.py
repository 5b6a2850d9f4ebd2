"""Which lines of azure-identity the tests reach by emulation alone, with nothing of it replaced.

    python tools/sdk_coverage.py            # every suite that drives it; fails for a line that is not accounted for
    python tools/sdk_coverage.py --short    # the suite that is there for this alone, and a floor for the total

What is not reached is listed, with the reason, in tests/sdk/UNREACHED.md. Lines are those of one release, so with
another one that list is not held against them.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests" / "sdk" / "UNREACHED.md"
SUITES = ("sdk", "interop", "interop_entra", "emulators/faults/test_matrix.py")
SHORT = ("sdk",)
FLOORS = {SUITES: 95.0, SHORT: 90.0}  # percent of the lines of the modules that the emulators serve
NOT_SERVED = ("_credentials/vscode.py", "_credentials/broker.py", "aio/_credentials/vscode.py")
_ROW = re.compile(r"\|\s*`(?P<module>[^`]+)`\s*\|\s*(?P<lines>[0-9 ,-]+)\|\s*(?P<reason>[^|]+?)\s*\|")
_RELEASE = re.compile(r"azure-identity (\d+\.\d+\.\d+)")

CONFIGURATION = """
[run]
source_pkgs = azure.identity
branch = True
parallel = True
patch = subprocess
data_file = {folder}/data
"""


@dataclass(frozen=True)
class Module:
    """What the tests reach of a module: lines with code, and branches, `partial` of which they do not."""

    name: str
    lines: int
    missing: tuple[int, ...]
    reached: tuple[int, ...]
    branches: int
    partial: int

    @property
    def percent(self) -> float:
        """The share of its lines that are reached."""
        return 100 * (1 - len(self.missing) / self.lines) if self.lines else 100.0

    def __str__(self) -> str:
        branches = f"{self.branches - self.partial}/{self.branches}"
        return f"{self.name:55} {self.lines:5} lines {self.percent:6.1f} %   branches {branches:>9}"


def main() -> int:
    """Run the suites, print what they reach, and return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="one suite, and only the total is checked")
    arguments = parser.parse_args()
    suites = SHORT if arguments.short else SUITES
    with tempfile.TemporaryDirectory(prefix="sdk-coverage-") as folder:
        configuration = Path(folder) / "rc"
        configuration.write_text(CONFIGURATION.format(folder=folder))
        if not _run(suites, configuration):
            return 1
        modules = _measure(configuration)
    for module in modules:
        print(module)
    served = [module for module in modules if module.name not in NOT_SERVED]
    lines = sum(module.lines for module in served)
    percent = 100 * (1 - sum(len(module.missing) for module in served) / lines)
    print(f"{percent:.1f} % of {lines} lines of the modules that the emulators serve are reached.")
    wrong = [] if arguments.short else _unaccounted(modules)
    if percent < FLOORS[suites]:
        wrong.append(f"That is less than the {FLOORS[suites]:.0f} % that must be.")
    print("\n".join(wrong))
    return 1 if wrong else 0


def _run(suites: tuple[str, ...], configuration: Path) -> bool:
    """Run the suites beside each other; tell whether all tests have passed."""
    run = [sys.executable, "-m", "coverage", "run", f"--rcfile={configuration}", "-m", "pytest", "-q", "-p", "no:xdist"]
    running = [subprocess.Popen([*run, f"tests/{suite}"], cwd=ROOT) for suite in suites]
    codes = [process.wait() for process in running]  # of each, so that none is left running
    return not any(codes)


def _measure(configuration: Path) -> list[Module]:
    """Return every module of azure-identity, whether it was loaded or not."""
    measured = coverage.Coverage(config_file=str(configuration))
    measured.combine()
    report = configuration.with_name("report.json")
    measured.json_report(outfile=str(report))
    spec = find_spec("azure.identity")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    return [
        Module(
            Path(path).resolve().relative_to(package.resolve()).as_posix(),
            file["summary"]["num_statements"],
            tuple(file["missing_lines"]),
            tuple(file["executed_lines"]),
            file["summary"]["num_branches"],
            file["summary"]["missing_branches"],
        )
        for path, file in sorted(json.loads(report.read_text())["files"].items())
    ]


def _unaccounted(modules: list[Module]) -> list[str]:
    """Return a sentence for each module with lines that are neither reached nor listed; print those that are both."""
    text = TABLE.read_text(encoding="utf-8")
    release = _RELEASE.search(text)
    if release is None or release[1] != version("azure-identity"):
        print(f"{TABLE.name} is of another release than azure-identity {version('azure-identity')}: nothing compared.")
        return []
    listed = read_table(text)
    wrong = []
    for module in modules:
        missing, known = set(module.missing), listed.get(module.name, set())
        if missing - known:
            wrong.append(f"{module.name}: not reached, and not in {TABLE.name}: {_ranges(missing - known)}")
        if needless := known & set(module.reached):
            print(f"{module.name}: in {TABLE.name}, yet reached: {_ranges(needless)}")
    return wrong


def read_table(text: str) -> Mapping[str, set[int]]:
    """Return the lines that the table lists, by module."""
    listed: dict[str, set[int]] = {}
    for row in _ROW.finditer(text):
        for part in row["lines"].split(","):
            first, _, last = part.strip().partition("-")
            listed.setdefault(row["module"], set()).update(range(int(first), int(last or first) + 1))
    return listed


def _ranges(numbers: set[int]) -> str:
    """Return line numbers as one would write them: 3, 5-7."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)


if __name__ == "__main__":
    sys.exit(main())
