"""What the plugin adds to the reports of tests and to the summary of a run."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_azcred.idle import ADVICE
from pytest_azcred.selection import is_strict

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from pytest_azcred.run import Run
    from pytest_azcred.scope import Scope

FAILED = pytest.StashKey[bool]()  # of the test that has failed by itself
_IDLE = "azcred_idle"  # an attribute of reports, which pytest-xdist sends on


class ReportHooks:
    """Adds to the report of a test what the emulators know of it, and to the summary what concerns several."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._ended: list[str] = []  # the environments in which this test's app asked for nothing, in ended scopes
        self._idle: dict[str, list[str]] = {}  # by test
        run.observers.append(self._observe)

    def _observe(self, scope: Scope) -> None:
        if scope.belongs_to_test:
            self._ended += scope.idle

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Begin with a test."""
        self._ended.clear()
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the journal to the report of a failed test, and that its app has asked for nothing."""
        report = yield
        if report.when != "call":
            return report
        own = [scope for scope in self._run.scopes if scope.belongs_to_test]
        idle = list(dict.fromkeys([*self._ended, *(name for scope in own for name in scope.idle)]))
        if report.failed:
            item.stash[FAILED] = True
            text = [str(own[0].journal)] if own else []
            text += [f"azcred: the app asked for no token in {_listed(idle)}; {ADVICE}."] if idle else []
            if text:
                report.sections.append(("azcred", "\n".join(text)))
        elif idle and report.passed and not hasattr(report, "wasxfail"):
            if is_strict(item, self._config.getini("azcred_strict")):
                item.stash[FAILED] = True
                report.outcome = "failed"
                report.longrepr = (
                    f"azcred: the test passed, but its app asked for no token in {_listed(idle)}; {ADVICE}. "
                    "@pytest.mark.azcred(strict=False) is for a test that means it."
                )
            else:
                setattr(report, _IDLE, idle)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a report says, also one of a worker of pytest-xdist."""
        if idle := getattr(report, _IDLE, None):
            self._idle[report.nodeid] = idle

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say which tests have not shown what they seem to."""
        if not self._idle:
            return
        terminalreporter.section("azcred")
        count = len(self._idle)
        tests = (
            "1 test passed in an environment that it names, but its app"
            if count == 1
            else (f"{count} tests passed in environments that they name, but their apps")
        )
        terminalreporter.line(f"{tests} asked for no token there: {ADVICE}.", yellow=True)
        if terminalreporter.verbosity > 0:
            for test, names in self._idle.items():
                terminalreporter.line(f"  {test}: {_listed(names)}")
        else:
            terminalreporter.line("-v lists them, azcred_strict = true makes them fail.")


def _listed(names: list[str]) -> str:
    return ", ".join(names)
