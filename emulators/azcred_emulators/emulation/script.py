"""Scripts of faults: which faults apply to which requests, in which order."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from azcred_emulators.emulation.checkpoint import Undo
from azcred_emulators.emulation.criteria import Vocabulary, any_value, check_names, check_values, matches

Kind = TypeVar("Kind")

CRITERIA = frozenset(
    {
        "client_id",
        "grant",
        "identity",
        "method",
        "operation",
        "path",
        "provider",
        "resource",
        "scope",
        "server_name",
        "tenant",
    }
)


_NO_CRITERIA: Mapping[str, object] = {}


@dataclass(slots=True)
class _Line(Generic[Kind]):
    """A fault of the script, the requests that it is for, and how many of these pass before it applies."""

    fault: Kind
    criteria: Mapping[str, object]
    explicit: Mapping[str, object]  # those of the criteria that are no defaults
    passes: int
    optional: bool
    is_taken: bool = False

    def matches(self, details: Mapping[str, object]) -> bool:
        return matches(self.criteria, details.get)


class Faults(Generic[Kind]):
    """Faults that apply to the next requests to an emulator, one each, in the order in which they were added.

    `default_criteria` are the criteria of faults that are added without a criterion of that name: those of the token
    service are for `operation="token"`. `names` are the names of all criteria. Each of the `checks` raises `TypeError`
    for a fault that cannot happen here. `vocabulary` returns the values that requests have in closed fields.
    """

    def __init__(
        self,
        default_criteria: Mapping[str, object] = _NO_CRITERIA,
        *,
        names: Collection[str] = CRITERIA,
        check: Callable[[Kind], object] = lambda _fault: None,
    ) -> None:
        self._default_criteria = default_criteria
        self._names = names
        self.checks: list[Callable[[Kind], object]] = [check]
        self.vocabulary: Vocabulary = any_value
        self._lock = threading.Lock()
        self._script: list[_Line[Kind]] = []
        self._earlier: Sequence[_Line[Kind]] = ()  # what was there at the last checkpoint
        self._added = 0
        self._cancelled = threading.Event()

    def add(self, *faults: Kind, times: int = 1, nth: int = 1, optional: bool = False, **criteria: object) -> None:
        """Add faults for the next requests that match.

        :param faults: the faults, in order.
        :param times: how often the whole sequence happens.
        :param nth: the first of the matching requests that is affected, counted from 1.
        :param optional: True if the fault may stay unused; otherwise an unused fault fails the test.
        :param criteria: fields of the journal's entries that the requests must have: `add(Status(500),
            grant="refresh_token", resource="https://vault.azure.net")`. None stands for a request without such a field.
            A trailing slash of a resource makes no difference.
        :raises TypeError: something is not a fault or cannot happen here, or requests have no such field.
        :raises ValueError: no request can have this value, or `times` or `nth` is not a whole number of 1 or more.
        """
        check_faults(faults)
        if not _is_count(times):
            raise ValueError(f"a fault happens at least once, not {times} times")
        if not _is_count(nth):
            raise ValueError(f"requests are counted from 1, so there is none with the number {nth}")
        check_names(criteria, self._names, refusal="faults cannot be chosen by", there_are="they can by")
        check_values(criteria, self.vocabulary)
        for fault in faults:
            for check in self.checks:
                check(fault)
        merged = {**self._default_criteria, **criteria}
        with self._lock:
            self._script += [_Line(fault, merged, criteria, nth - 1, optional) for fault in faults * times]
            self._added += len(faults) * times

    def take(self, details: Mapping[str, object] | None = None) -> Kind | None:
        """Return the fault that applies to a request with these details and cross it off; None if there is none."""
        details = details or {}
        taken = None
        with self._lock:
            for line in [line for line in self._script if line.matches(details)]:
                if line.passes:
                    line.passes -= 1
                elif taken is None:
                    taken = line
            if taken is not None:
                self._cross_off(taken)
        return taken.fault if taken else None

    def take_for_connection(self, kind: Any, server_name: str) -> Any:
        """Return the fault of this class that applies to a new connection and cross it off; None if none is due.

        What the connection will be used for is not known yet, so faults with criteria are left out.
        """
        with self._lock:
            due = (line for line in self._script if line.explicit in ({}, {"server_name": server_name}))
            line = next(due, None)
            if line is None or line.passes or not isinstance(line.fault, kind):
                return None
            self._cross_off(line)
            return line.fault

    def _cross_off(self, line: _Line[Kind]) -> None:
        line.is_taken = True
        self._script = [other for other in self._script if other is not line]

    def __bool__(self) -> bool:
        """Whether any fault is left."""
        return bool(self._script)

    @property
    def unspent(self) -> tuple[Kind, ...]:
        """The faults since the last checkpoint that are still unused, without the optional ones."""
        with self._lock:
            earlier = set(map(id, self._earlier))
            return tuple(line.fault for line in self._script if not line.optional and id(line) not in earlier)

    @property
    def added(self) -> int:
        """How many faults were added since the last checkpoint or `clear`."""
        return self._added

    def checkpoint(self) -> Undo:
        """Note the script; returns the function that takes out what was added since, and ends faults that wait.

        A fault of the script that was used meanwhile stays used.
        """
        with self._lock:
            script, earlier, added = list(self._script), self._earlier, self._added
            self._earlier, self._added = script, 0

        def undo() -> None:
            self.clear()
            with self._lock:
                self._script = [line for line in script if not line.is_taken]
                self._earlier, self._added = earlier, added

        return undo

    @property
    def cancelled(self) -> threading.Event:
        """The event that the next `clear` sets, for faults that wait."""
        return self._cancelled

    def clear(self) -> None:
        """Remove all faults, and end those that are still waiting."""
        with self._lock:
            self._script.clear()
            self._added = 0
            cancelled, self._cancelled = self._cancelled, threading.Event()
        cancelled.set()


def check_faults(faults: Collection[object]) -> None:
    """Raise TypeError if there is no fault, or a class in place of one."""
    if not faults:
        raise TypeError("add() takes at least one fault, such as Throttle()")
    for fault in faults:
        if isinstance(fault, type):
            raise TypeError(f"{fault.__name__} is the class of a fault; add one of it: {fault.__name__}(...)")


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1
