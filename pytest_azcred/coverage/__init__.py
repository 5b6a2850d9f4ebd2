"""Which provider paths a suite has exercised: providers x outcomes, as the emulators saw them, and environments."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.coverage.outcomes import CELLS, Cell, judge

if TYPE_CHECKING:
    from azcred_emulators.emulation.journal_entry import JournalEntry
    from pytest_azcred.scope import Scope

_VERSION = 1  # of the JSON's shape


class Coverage:
    """How often each provider had each outcome, and in which tests; the environments in which tests asked for tokens.

    Merging is adding, so neither the order of runs nor how they were divided among workers matters.
    """

    def __init__(self) -> None:
        self.counts: dict[Cell, int] = {}
        self.tests: dict[Cell, set[str]] = {}
        self.environments: dict[str, set[str]] = {}

    @property
    def exercised(self) -> Sequence[Cell]:
        """The paths that were exercised, in the order of the table."""
        return [cell for cell in CELLS if self.counts.get(cell)]

    @property
    def percent(self) -> float:
        """How much of the table was exercised, in percent."""
        return 100 * len(self.exercised) / len(CELLS)

    def add(self, test: str, entries: "Sequence[JournalEntry]", environments: Sequence[str] = ()) -> None:
        """Count what became of the requests of a test, and the environments it was in if there were any."""
        cells = list(judge(entries))
        for cell in cells:
            self.counts[cell] = self.counts.get(cell, 0) + 1
            self.tests.setdefault(cell, set()).add(test)
        if cells:
            for name in environments:
                self.environments.setdefault(name, set()).add(test)

    def merge(self, other: "Coverage") -> None:
        """Add what another run or worker has counted."""
        for cell, count in other.counts.items():
            self.counts[cell] = self.counts.get(cell, 0) + count
        for cell, tests in other.tests.items():
            self.tests.setdefault(cell, set()).update(tests)
        for name, tests in other.environments.items():
            self.environments.setdefault(name, set()).update(tests)

    def observe(self, scope: "Scope") -> None:
        """Count what the emulators have seen in a scope that ends, including what the test has cleared."""
        self.add(scope.name, scope.entries(), sorted(scope.visited))

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can hold, with the totals for those who only read."""
        providers: dict[str, dict[str, object]] = {}
        for cell in CELLS:
            cells = providers.setdefault(cell[0], {})
            cells[cell[1]] = {"requests": self.counts.get(cell, 0), "tests": sorted(self.tests.get(cell, ()))}
        return {
            "version": _VERSION,
            "totals": {"paths": len(CELLS), "exercised": len(self.exercised), "percent": round(self.percent, 1)},
            "providers": providers,
            "environments": {name: sorted(self.environments.get(name, ())) for name in ENVIRONMENTS},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Coverage":
        """Return what `to_json` has written; raises ValueError for anything else."""
        if not isinstance(data, dict) or data.get("version") != _VERSION:
            raise ValueError(f"the data is not provider-path coverage of version {_VERSION}")
        coverage = cls()
        try:
            for provider, outcomes in data["providers"].items():
                for outcome, counted in outcomes.items():
                    if counted["requests"]:
                        coverage.counts[provider, outcome] = int(counted["requests"])
                        coverage.tests[provider, outcome] = set(counted["tests"])
            for name, tests in data["environments"].items():
                if tests:
                    coverage.environments[name] = set(tests)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"the data is not provider-path coverage: {error!r}") from None
        return coverage

    @classmethod
    def read(cls, path: Path) -> "Coverage":
        """Return what a file holds; raises ValueError with its name if that is none, OSError if it cannot be read."""
        try:
            return cls.from_json(json.loads(path.read_text()))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def write(self, path: Path) -> None:
        """Write it to a file, whose folder is made if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_json(), indent=1) + "\n")
