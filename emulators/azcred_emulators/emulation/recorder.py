"""Records each request that reaches an emulator; the journal shows users what is recorded here."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from azcred_emulators.clock import stopwatch
from azcred_emulators.emulation.journal_entry import JournalEntry

# A JWT, and the codes and refresh tokens of the token service; also as the part of a longer text.
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]*\.[\w.-]*|\b(?:1\.A|DAQ)[\w-]{40,}")
_MASK = "<token>"


class Recorder:
    """Every request since the last `clear`, in the order of arrival.

    With a `limit` it keeps about as many of the last ones.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self._lock = threading.Lock()
        self._entries: list[JournalEntry] = []
        self._changed = threading.Condition(self._lock)
        self._dropped = 0  # the number of the oldest entries that the limit has removed
        self._version = self._cleared = 0  # count the changes, for `follow`
        self._ended = False

    @property
    def total(self) -> int:
        """How many requests there were since the last `clear`."""
        return self._dropped + len(self._entries)

    @property
    def position(self) -> tuple[int, int]:
        """Where the record is now: how often it was cleared, and how many requests there were since."""
        return self._cleared, self.total

    def count_at(self, position: tuple[int, int]) -> int:
        """Return how many of the present requests there were at a `position`."""
        cleared, total = position
        return total if cleared == self._cleared else 0

    def entries(self, after: int = 0) -> list[JournalEntry]:
        """Return the entries as they are now, those with higher numbers."""
        with self._lock:
            return self._entries[max(0, after - self._dropped) :]

    def open(
        self, *, at: float, emulator: str, method: str, server_name: str, path: str, host: str | None = None
    ) -> JournalEntry:
        """Record a request's arrival."""
        with self._lock:
            entry = JournalEntry(
                number=self._dropped + len(self._entries) + 1,
                at=at,
                emulator=emulator,
                host=host,
                method=_masked(method),
                server_name=_masked(server_name),
                path=_masked(path),
            )
            self._entries.append(entry)
            if self.limit and len(self._entries) > self.limit:
                surplus = self.limit // 10 + 1
                del self._entries[:surplus]
                self._dropped += surplus
        return entry

    def close(self, entry: JournalEntry, **details: object) -> JournalEntry:
        """Record the outcome of a request, or what is known of it so far, and return its new entry.

        An entry that a `clear` has dropped in between stays dropped.
        """
        shown = {name: _masked(value) if isinstance(value, str) else value for name, value in details.items()}
        changed = replace(entry, **shown)  # type: ignore[arg-type]
        with self._lock:
            index = entry.number - 1 - self._dropped
            if 0 <= index < len(self._entries) and self._entries[index] is entry:
                self._entries[index] = changed
            self._version += 1
            self._changed.notify_all()
        return changed

    def follow(self, after: int = 0, *, patience: float = 15.0) -> Iterator[JournalEntry | None]:
        """Yield each entry when it is complete, first those with higher numbers than `after`, until `end` is called.

        Yields None when nothing has happened for `patience` real seconds, and after a `clear`.
        """
        first, done = after + 1, set[int]()
        version, cleared = -1, self._cleared
        while True:
            with self._lock:
                self._changed.wait_for(lambda: self._ended or self._version != version, patience)  # noqa: B023
                if self._ended:
                    return
                if cleared != self._cleared:
                    first, done = 1, set()
                version, cleared = self._version, self._cleared
                first = max(first, self._dropped + 1)
                complete = [entry for entry in self._entries[first - 1 - self._dropped :] if entry.duration]
            new = [entry for entry in complete if entry.number not in done]
            if not new:
                yield None
            yield from new
            done.update(entry.number for entry in new)
            while first in done:
                done.remove(first)
                first += 1

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, which is asked after every change, for so many real seconds at most; tell if so.

        It may read the entries.
        """
        deadline = stopwatch() + seconds
        while True:
            version = self._version
            if holds():
                return True
            with self._lock:
                left = deadline - stopwatch()
                self._changed.wait_for(lambda: self._ended or self._version != version, left)  # noqa: B023
            if self._ended or stopwatch() >= deadline:
                return holds()

    def end(self) -> None:
        """Stop all current and future `follow` iterators."""
        with self._lock:
            self._ended = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Drop every entry."""
        with self._lock:
            self._entries.clear()
            self._dropped = 0
            self._cleared += 1
            self._version += 1
            self._changed.notify_all()


def _masked(text: str) -> str:
    """Return a text without the tokens that somebody has put where none belongs, such as in a scope."""
    return _TOKEN.sub(_MASK, text) if "eyJ" in text or "1.A" in text or "DAQ" in text else text
