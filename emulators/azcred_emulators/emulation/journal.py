"""The ordered record of every request that reached an emulator, and the assertions on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from azcred_emulators.emulation.criteria import FIELDS, Vocabulary, any_value, check_names, check_values, matches
from azcred_emulators.emulation.journal_entry import JournalEntry, describe, describe_refused
from azcred_emulators.emulation.recorder import Recorder


class Journal:
    """Every request since the start of the test or the last `clear`. `print(journal)` shows them as a table.

    The journal of a wider scope, such as a session, also has the requests of the tests inside it.

    The criteria of its methods are the fields of an entry, and `answered`: `assert_tokens(provider="environment",
    times=1)`. A trailing slash of a resource makes no difference. A criterion that does not exist raises `TypeError`. A
    value that no request can have raises `ValueError`: a value of another type, a resource with the suffix of a scope,
    or a value that is not in the vocabulary of its field.
    """

    def __init__(
        self,
        recorder: Recorder,
        vocabulary: Vocabulary = any_value,
        *,
        since: tuple[int, int] = (0, 0),
        refused: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._recorder = recorder
        self._vocabulary = vocabulary
        self._refused = refused
        self._start = since
        self._kept: list[JournalEntry] | None = None  # of a copy

    def __str__(self) -> str:
        return "\n".join([describe(self._entries()), *describe_refused(self.refused)])

    @property
    def refused(self) -> Sequence[str]:
        """The hosts outside this machine to which a connection was refused, once for each time. `clear` keeps them."""
        return self._refused()

    def _entries(self) -> list[JournalEntry]:
        """Return the entries since the start, counted from 1."""
        if self._kept is not None:
            return self._kept
        start = self._recorder.count_at(self._start)
        entries = self._recorder.entries(start)
        if not start:
            return entries
        return [replace(entry, number=entry.number - start) for entry in entries]

    def requests(self, **criteria: object) -> list[JournalEntry]:
        """Return the entries whose fields have these values: `requests(provider="environment", status=401)`.

        :param criteria: the fields, and the values that they must have.
        :return: the entries, in order.
        :raises TypeError: entries have no such field.
        :raises ValueError: no request can have this value.
        """
        check_names(criteria, FIELDS, refusal="journal entries have no field", there_are="they have")
        check_values(criteria, self._vocabulary)
        return [entry for entry in self._entries() if matches(criteria, partial(getattr, entry))]

    def assert_requests(self, *, times: int | None = None, **criteria: object) -> None:
        """Check the number of requests that match, whatever their outcome.

        :param times: how many; by default at least one. 0 checks that there was none.
        :param criteria: the fields, and the values that they must have.
        :raises AssertionError: there was another number; the message lists every request.
        :raises TypeError: entries have no such field.
        :raises ValueError: no request can have this value, or `times` is not a whole number of 0 or more.
        """
        self._assert_count(len(self.requests(**criteria)), times, "request", criteria)

    def assert_tokens(self, *, times: int | None = None, **criteria: object) -> None:
        """Check the number of tokens that were issued for requests that match.

        :param times: how many; by default at least one. 0 checks that there was none.
        :param criteria: the fields, and the values that they must have.
        :raises AssertionError: there was another number; the message lists every request.
        :raises TypeError: entries have no such field.
        :raises ValueError: no request can have this value, or `times` is not a whole number of 0 or more.
        """
        tokens = [entry for entry in self.requests(**criteria) if entry.answered]
        self._assert_count(len(tokens), times, "token", criteria)

    def assert_providers(self, *providers: str) -> None:
        """Check that requests came from these providers, in this order, and from no others.

        Each provider counts once, at its first request, which may be a probe. A provider that finds out without a
        request that it is not available leaves no trace.

        :param providers: the providers, such as "environment"; none to check that there was no request.
        :raises AssertionError: the providers were others; the message lists every request.
        :raises ValueError: there is no such provider.
        """
        for provider in providers:
            check_values({"provider": provider}, self._vocabulary)
        seen = tuple(dict.fromkeys(entry.provider for entry in self.requests() if entry.provider))
        if seen != providers:
            expected = ", ".join(providers) or "none"
            raise self._failure(f"expected requests of the providers {expected}, got {', '.join(seen) or 'none'}")

    def copy(self) -> "Journal":
        """Return a copy of this journal as it is now. Nothing is added to it, and it outlives the scope.

        :return: the copy.
        """
        copy = Journal(self._recorder, self._vocabulary, refused=partial(tuple, tuple(self.refused)))
        copy._kept = self._entries()
        return copy

    def clear(self) -> None:
        """Leave out all requests until now."""
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
