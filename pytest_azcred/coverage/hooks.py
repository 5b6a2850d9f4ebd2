"""The part of the plugin that counts provider paths in a run with `--azcred-coverage`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_azcred.coverage import Coverage, page, report
from pytest_azcred.run import Run

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

_KEY = "azcred_coverage"  # in what a worker of pytest-xdist sends at its end


class CoverageHooks:
    """Counts in this process, or in the workers of pytest-xdist, and reports at the end."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._coverage = Coverage()
        run.observers.append(self._coverage.observe)
        self._silent = 0  # workers that ended without a word

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a worker of pytest-xdist has counted."""
        counted = getattr(node, "workeroutput", {}).get(_KEY)
        if counted is None:
            self._silent += 1
        else:
            self._coverage.merge(Coverage.from_json(counted))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand on what this worker has counted, or write the reports and judge."""
        worker = getattr(self._config, "workeroutput", None)
        if worker is not None:
            worker[_KEY] = self._coverage.to_json()
            return
        if path := self._config.getoption("azcred_coverage_json"):
            self._coverage.write(Path(path))
        if path := self._config.getoption("azcred_coverage_html"):
            page.write(self._coverage, Path(path))
        if self._too_low and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def _too_low(self) -> str | None:
        minimum = self._config.getoption("azcred_coverage_fail_under")
        return None if minimum is None else report.too_low(self._coverage, minimum)

    def pytest_terminal_summary(self, terminalreporter: "TerminalReporter") -> None:
        """Print the table."""
        terminalreporter.section("azcred: provider-path coverage")
        for line in report.lines(self._coverage):
            terminalreporter.line(line)
        if self._silent:
            terminalreporter.line(f"{self._silent} workers crashed; what they had counted is missing", yellow=True)
        if message := self._too_low:
            terminalreporter.line(message, red=True, bold=True)
