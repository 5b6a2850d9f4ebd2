"""The marker `slow`, which `make test-fast` leaves out: tests that start other programs, or that take long themselves.

The folders of the judges have it, and so has whatever runs pytest within a test. All other tests are marked by hand.
In the fast part those that start one of the `PROGRAMS` fail. What takes milliseconds is not among these: the fake az,
azd and pwsh, and the shells that SDKs start them with.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

FAST_PART = "not slow"  # the expression of markers that selects it
TESTS = Path(__file__).parents[1]
FOLDERS = frozenset(
    {
        "azure_cli",
        "browser",
        "cli",
        "go",
        "interop",
        "interop_entra",
        "java",
        "node",
        "oracle",
        "sdk",
        "storage",
    }
)
PROGRAMS = ("python", "azcred", "azurite", "chrom", "go", "google-chrome", "java", "keytool", "node", "npm", "unshare")
_started: list[str] | None = None  # what the test that runs has started; None while no test is watched


def _is_in_slow_folder(path: Path) -> bool:
    return path.is_relative_to(TESTS) and path.relative_to(TESTS).parts[:1] in [(folder,) for folder in FOLDERS]


def is_left_out(path: Path, expression: str) -> bool:
    """Tell whether a run with this expression of markers can do without a folder."""
    return expression == FAST_PART and _is_in_slow_folder(path)


def mark(items: list[pytest.Item]) -> None:
    """Mark what is slow for its folder or since it runs pytest."""
    for item in items:
        if _is_in_slow_folder(item.path) or "pytester" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


def watch(item: pytest.Item) -> None:
    """Note from now on what a test of the fast part starts."""
    global _started
    _started = [] if item.config.option.markexpr == FAST_PART else None


def check() -> None:
    """Raise AssertionError if the test has started one of the programs."""
    global _started
    started, _started = _started, None
    if started:
        raise AssertionError(f"the test starts {started[0]}, which takes long: mark it with @pytest.mark.slow")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _started is not None:
        program, command, *_ = arguments
        first = program or (command if isinstance(command, str | bytes | os.PathLike) else next(iter(command)))
        name = os.path.basename(os.fsdecode(first))
        if name.startswith(PROGRAMS):
            _started.append(name)


sys.addaudithook(_audit)
