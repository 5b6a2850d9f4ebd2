"""What the emulators have noticed about a test, in sentences for its report and for the summary of a run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from azcred_emulators.emulation.journal_entry import describe_refused

if TYPE_CHECKING:
    from azcred_emulators.emulation.journal_entry import JournalEntry

_LONG = 3.0  # seconds of waiting that are worth a word
_EARLY = (
    "a credential or client that was created earlier (when a module was imported, or by a fixture with a wider scope) "
    "keeps its place and its tokens; create it in the test, or set the environment where it is created, with "
    "azcred_session.environment(...), azcred_module or the option --azcred-environment"
)
_SKIP = "azcred.clock.skip_waits() skips the waits between retries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is worth knowing of a test.

    `idle` are the environments that it names and in which its app asked for no token; `refused` the hosts to which a
    connection was refused; `waited` the seconds that passed between attempts.
    """

    test: str
    idle: list[str]
    refused: list[str]
    waited: float

    def advice(self, *, refused: bool = False) -> list[str]:
        """Return sentences for the report of the test when it has failed; the journal may name what was refused."""
        sentences = list(describe_refused(self.refused)) if refused else []
        if self.idle:
            sentences.append(f"azcred: the app asked for no token in {', '.join(self.idle)}: {_EARLY}.")
        if self.waited > _LONG:
            sentences.append(f"azcred: the test waited {self.waited:.0f} s between attempts; {_SKIP}.")
        return sentences

    def failure(self) -> str:
        """Return why a strict test fails that has passed."""
        return (
            f"azcred: the test passed, but its app asked for no token in {', '.join(self.idle)}: {_EARLY}. "
            "If this is intended, mark the test with @pytest.mark.azcred(strict=False)."
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can hold, an empty object if there is nothing to say."""
        return asdict(self) if self.idle or self.refused or self.waited > _LONG else {}


def waits(entries: "Sequence[JournalEntry]") -> float:
    """Return the seconds between failed attempts and the next requests to the same emulator, by the virtual clock."""
    attempts: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        attempts.setdefault(entry.emulator, []).append(entry)
    return sum(
        later.at - earlier.at
        for each in attempts.values()
        for earlier, later in pairwise(each)
        if earlier.status is None or earlier.status >= 400 or earlier.exit_code
    )


def summary(findings: "Iterable[Finding]", refused_in_run: Iterable[str] = (), *, verbose: bool) -> list[str]:
    """Return the lines for the end of a run, none if there is nothing to say; `verbose` ones list the tests.

    `refused_in_run` are all hosts that this process knows of, those of the findings among them.
    """
    findings = list(findings)
    lines: list[str] = []
    idle = [finding for finding in findings if finding.idle]
    if idle:
        lines.append(f"{_tests(idle)} passed in an environment that the test names, and asked for no token: {_EARLY}.")
        if verbose:
            lines += [f"  {finding.test}: {', '.join(finding.idle)}" for finding in idle]
        else:
            lines.append("-v lists them, azcred_strict = true makes them fail.")
    refused = Counter(host for finding in findings for host in finding.refused)
    for host, count in refused.items():
        tests = [finding.test for finding in findings if host in finding.refused]
        others = f" and {len(tests) - 1} others" if len(tests) > 1 else ""
        lines.append(f"refused: {host}, {count} {'time' if count == 1 else 'times'}, in {tests[0]}{others}")
    for host, count in (Counter(refused_in_run) - refused).items():
        lines.append(f"refused: {host}, {count} {'time' if count == 1 else 'times'}, outside of tests or in a worker")
    slow = [finding for finding in findings if finding.waited > _LONG]
    if slow:
        seconds = sum(finding.waited for finding in slow)
        lines.append(f"{_tests(slow)} waited {seconds:.0f} s between attempts; {_SKIP}.")
    return lines


def _tests(findings: Sequence[Finding]) -> str:
    return "1 test" if len(findings) == 1 else f"{len(findings)} tests"
