"""The ordered record of every request that reached an emulator, and the assertions on it."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from azcred_emulators.emulation.journal_entry import FIELDS, JournalEntry, describe, describe_refused
from azcred_emulators.emulation.recorder import Recorder


class Journal:
    """Every request since the start of the test or the last `clear`; `print(journal)` shows them as a table.

    The journal of a wider scope, such as a session's, has also the requests of the tests inside it.

    The criteria of its methods are the fields of an entry, and `answered`:
    `assert_tokens(provider="environment", times=1)`. A method raises TypeError for a criterion that does not exist.
    """

    def __init__(self, recorder: Recorder, *, refused: Callable[[], Sequence[str]] = tuple) -> None:
        self._recorder = recorder
        self._refused = refused
        self._start = recorder.position

    def __str__(self) -> str:
        return "\n".join([describe(self._entries()), *describe_refused(self.refused)])

    @property
    def refused(self) -> Sequence[str]:
        """The hosts outside this machine to which a connection was refused, as often as it was; `clear` keeps them."""
        return self._refused()

    def _entries(self) -> list[JournalEntry]:
        """Return the entries since the start, counted from 1."""
        start = self._recorder.count_at(self._start)
        entries = self._recorder.entries(start)
        if not start:
            return entries
        return [replace(entry, number=entry.number - start) for entry in entries]

    def requests(self, **criteria: object) -> list[JournalEntry]:
        """Return the entries whose fields have these values: `requests(provider="environment", status=401)`."""
        for name in criteria:
            _check_criterion(name)
        expected = [(attrgetter(name), value) for name, value in criteria.items()]
        return [entry for entry in self._entries() if all(get(entry) == value for get, value in expected)]

    def assert_requests(self, *, times: int | None = None, **criteria: object) -> None:
        """Check the number of requests like these, whatever their outcome: `times`, or at least one.

        `times=0` checks that there was none. Raises AssertionError, which lists every request, and ValueError for
        `times` that is no whole number of 0 or more.
        """
        self._assert_count(len(self.requests(**criteria)), times, "request", criteria)

    def assert_tokens(self, *, times: int | None = None, **criteria: object) -> None:
        """Check the number of tokens that requests like these were answered with: `times`, or at least one.

        Raises as `assert_requests` does.
        """
        tokens = [entry for entry in self.requests(**criteria) if entry.answered]
        self._assert_count(len(tokens), times, "token", criteria)

    def assert_providers(self, *providers: str) -> None:
        """Check that requests came from these providers in this order, and from no other; without one, from none.

        Each counts once, where its first request is, a probe for example. A provider that finds out without a request
        that it is not available leaves no trace. Raises AssertionError, which lists every request.
        """
        seen = tuple(dict.fromkeys(entry.provider for entry in self.requests() if entry.provider))
        if seen != providers:
            expected = ", ".join(providers) or "none"
            raise self._failure(f"expected requests of the providers {expected}, got {', '.join(seen) or 'none'}")

    def clear(self) -> None:
        """Leave out everything until now."""
        self._start = self._recorder.position

    def _assert_count(self, count: int, times: int | None, noun: str, criteria: Mapping[str, object]) -> None:
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 0):
            raise ValueError(f"times is a whole number of 0 or more, not {times!r}")
        if (count != times) if times is not None else not count:
            expected = "at least 1" if times is None else str(times)
            fields = ", ".join(f"{name}={value!r}" for name, value in criteria.items())
            what = f"{noun}{'' if times in (None, 1) else 's'}{f' for {fields}' if fields else ''}"
            raise self._failure(f"expected {expected} {what}, got {count}")

    def _failure(self, reason: str) -> AssertionError:
        return AssertionError(f"azcred: {reason}.\n{self}")


def _check_criterion(name: str) -> None:
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"they have {', '.join(sorted(FIELDS))}"
        raise TypeError(f"journal entries have no field {name!r}; {hint}")
