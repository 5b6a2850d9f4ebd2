"""What the plugin adds to the reports of tests and to the summary of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_azcred.findings import Finding, summary, waits
from pytest_azcred.selection import is_strict

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from azcred_emulators.emulation.journal import Journal
    from pytest_azcred.redirect.refusals import Refusals
    from pytest_azcred.run import Run
    from pytest_azcred.scope import Scope

FAILED = pytest.StashKey[bool]()  # of the test that has failed by itself
_FINDING = "azcred_finding"  # an attribute of reports, which pytest-xdist sends on


class ReportHooks:
    """Adds to the report of a test what the emulators know of it, and to the summary what concerns several.

    `refusals` is the record of a run that is isolated without emulators, if it is.
    """

    def __init__(self, config: pytest.Config, run: Run, refusals: Refusals | None) -> None:
        self._config = config
        self._run = run
        self._refusals = refusals
        self._is_called = False  # whether the body of a test runs now; a report that comes meanwhile is a subtest's
        self._idle: list[str] = []  # the environments in which this test's app asked for nothing, in ended scopes
        self._ended: list[Journal] = []  # of scopes that began and ended in the body of this test, the outermost ones
        self._since_setup: Journal | None = None  # of this test, if a wider scope was there before it
        self._waited = 0.0
        self._refused_before: Sequence[str] = ()
        self._findings: list[Finding] = []
        run.observers.append(self._observe)

    def _observe(self, scope: Scope) -> None:
        if scope.belongs_to_test:
            self._idle += scope.idle
            if self._is_called:
                self._waited += waits(scope.entries())
                if scope.outer is None or not scope.outer.belongs_to_test:
                    self._ended.append(scope.journal.copy())

    @property
    def _refused(self) -> Sequence[str]:
        return [*self._run.refused, *(self._refusals.hosts if self._refusals else ())]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Begin with a test."""
        self._idle.clear()
        self._ended.clear()
        self._waited = 0.0
        self._refused_before = self._refused
        self._since_setup = self._run.scopes[-1].new_journal() if self._run.scopes else None
        yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Know when the body of a test runs: a subtest's report is made before the test has ended."""
        self._is_called = True
        try:
            yield
        finally:
            self._is_called = False

    def _journals(self) -> Sequence[Journal]:
        """Return what the emulators know of the test: its scopes' journals, else what it has asked in wider ones."""
        own = [scope.journal for scope in self._run.scopes if scope.belongs_to_test]
        if own or self._ended:
            return own[:1] or self._ended
        wider = self._since_setup or (self._run.scopes[0].journal if self._run.scopes else None)
        return [wider] if wider and wider.requests() else []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the journal to the report of a failed test, and what explains it; let a strict test fail."""
        report = yield
        if report.when != "call":
            return report
        own = [scope for scope in self._run.scopes if scope.belongs_to_test]
        waited = self._waited + sum(waits(scope.entries()) for scope in own)
        finding = Finding(
            test=report.nodeid,
            idle=list(dict.fromkeys([*self._idle, *(name for scope in own for name in scope.idle)])),
            refused=list((Counter(self._refused) - Counter(self._refused_before)).elements()),
            waited=min(waited, report.duration),
        )
        if report.failed:
            item.stash[FAILED] = True
            journals = self._journals()
            text = [*map(str, journals), *finding.advice(refused=not journals)]
            if (own or self._ended) and not any(journal.requests() for journal in journals):
                from pytest_azcred.other_mocks import explain_silence

                text += explain_silence(call.excinfo.value if call.excinfo else None)
            if text:
                report.sections.append(("azcred", "\n".join(text)))
        if self._is_called:
            return report  # a subtest may have passed before the test asks
        if finding.idle and report.passed and is_strict(item, self._config.getini("azcred_strict")):
            item.stash[FAILED] = True
            report.outcome = "failed"
            report.longrepr = finding.failure()
        setattr(report, _FINDING, finding.to_json() if report.passed else replace(finding, idle=[]).to_json())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a report says, also one of a worker of pytest-xdist."""
        if data := getattr(report, _FINDING, None):
            self._findings.append(Finding(**data))

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say what tests have not shown, and what concerns several of them."""
        lines = summary(self._findings, self._refused, verbose=terminalreporter.verbosity > 0)
        if lines:
            terminalreporter.section("azcred")
        for line in lines:
            terminalreporter.line(line)
