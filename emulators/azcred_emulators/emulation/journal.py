"""The ordered record of every request that reached an emulator, and the assertions on it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta, timezone
from operator import attrgetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request: who was asked for what, and what it answered. It holds no secret and no token.

    Times are in epoch seconds by the virtual clock (`at`) and in seconds by the real one (`duration`).
    `host` is the managed identity host, such as "imds"; None if the request went elsewhere.
    `status` is None while the request is being answered, and where a fault left it without an answer. `fault` is the
    kind of fault that befell it. `provider` is the link of the chain that sends such a request, None where any could
    (discovery documents). Of an executable, `command` is how it was called and `exit_code` what became of it;
    `status` only says that the emulator answered. `claims` are those of the token that was handed out.
    """

    number: int
    at: float
    emulator: str
    method: str
    server_name: str
    path: str
    host: str | None = None
    operation: str | None = None
    provider: str | None = None
    grant: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    identity: str | None = None
    resource: str | None = None
    scope: str | None = None
    status: int | None = None
    error: str | None = None
    claims: Mapping[str, object] | None = field(default=None, repr=False)
    command: str | None = None
    exit_code: int | None = None
    fault: str | None = None
    duration: float = 0.0

    @property
    def answered(self) -> bool:
        """Whether a token was handed out."""
        return self.operation == "token" and self.status == 200 and not self.exit_code

    @property
    def outcome(self) -> str:
        """What became of it, in a few words: the answer, the fault, and why there was no token or what is in it."""
        if self.exit_code is not None:
            answer = f"exit {self.exit_code}"
        else:
            answer = "no answer" if self.status is None else str(self.status)
        fault = f" (fault {self.fault})" if self.fault else ""
        told = self.error or (shown_claims(self.claims) if self.claims else "")
        return f"{answer}{fault} in {self.duration * 1000:.0f} ms{f': {told}' if told else ''}"

    @property
    def request(self) -> str:
        """What was asked for, in a few words."""
        if self.command:
            return self.command
        what = self.resource or self.scope or ("" if self.operation else self.path)
        return f"{self.emulator} {self.operation or self.method} {what}".rstrip()

    def __str__(self) -> str:
        return f"{self.provider or '-'}  {self.request}  {self.outcome}"


_FIELDS = frozenset(field.name for field in fields(Entry)) | {"answered"}


class Journal:
    """Every request since the last `clear`, in the order of arrival; with a `limit`, about as many of the last ones."""

    def __init__(self) -> None:
        self.limit: int | None = None
        self.on_clear: Callable[[Sequence[Entry]], object] | None = None  # is given what will be forgotten
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._changed = threading.Condition(self._lock)
        self._dropped = 0  # entries that were the first ones, for the limit
        self._version = self._cleared = 0  # count the changes, for those that follow them
        self._ended = False

    def open(
        self, *, at: float, emulator: str, method: str, server_name: str, path: str, host: str | None = None
    ) -> Entry:
        """Record a request's arrival."""
        with self._lock:
            entry = Entry(
                number=self._dropped + len(self._entries) + 1,
                at=at,
                emulator=emulator,
                host=host,
                method=method,
                server_name=server_name,
                path=path,
            )
            self._entries.append(entry)
            if self.limit and len(self._entries) > self.limit:
                gone = self.limit // 10 + 1
                del self._entries[:gone]
                self._dropped += gone
        return entry

    @property
    def total(self) -> int:
        """How many requests there were since the last `clear`."""
        return self._dropped + len(self._entries)

    def close(self, entry: Entry, **details: object) -> Entry:
        """Record what became of a request, or what is known of it so far, and return its entry.

        One that a `clear` has dropped in between is left out.
        """
        changed = replace(entry, **details)  # type: ignore[arg-type]
        with self._lock:
            index = entry.number - 1 - self._dropped
            if 0 <= index < len(self._entries) and self._entries[index] is entry:
                self._entries[index] = changed
            self._version += 1
            self._changed.notify_all()
        return changed

    def follow(self, after: int = 0, *, patience: float = 15.0) -> Iterator[Entry | None]:
        """Yield each entry once it is complete, those with higher numbers than `after` first of all, until `end`.

        Yields None when nothing has happened for `patience` real seconds, and when the journal was emptied.
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
                complete = [one for one in self._entries[first - 1 - self._dropped :] if one.duration]
            new = [entry for entry in complete if entry.number not in done]
            if not new:
                yield None
            yield from new
            done.update(entry.number for entry in new)
            while first in done:
                done.remove(first)
                first += 1

    def end(self) -> None:
        """Let everybody go who follows, and whoever comes later."""
        with self._lock:
            self._ended = True
            self._changed.notify_all()

    def requests(self, **criteria: object) -> list[Entry]:
        """Return the entries whose fields have these values: `requests(provider="environment", status=401)`.

        Raises TypeError for a field that entries do not have.
        """
        unknown = set(criteria) - _FIELDS
        if unknown:
            raise TypeError(
                f"journal entries have no field {sorted(unknown)[0]!r}; they have {', '.join(sorted(_FIELDS))}"
            )
        wanted = [(attrgetter(name), value) for name, value in criteria.items()]
        with self._lock:
            return [entry for entry in self._entries if all(get(entry) == value for get, value in wanted)]

    def assert_answered(self, *, times: int | None = None, **criteria: object) -> None:
        """Check that tokens were handed out to requests like these: `times` of them, or at least one.

        Raises AssertionError that lists every request the emulators got.
        """
        answered = [entry for entry in self.requests(**criteria) if entry.answered]
        if (len(answered) != times) if times is not None else not answered:
            expected = "at least 1 token" if times is None else f"{times} token{'' if times == 1 else 's'}"
            raise self._failure(f"expected {expected} for {_listed(criteria)}, got {len(answered)}")

    def assert_requested_once(self, **criteria: object) -> None:
        """Check that exactly one request like these was made, whatever became of it.

        It is one for a token unless the criteria name another `operation`. Raises AssertionError as above.
        """
        wanted = {"operation": "token", **criteria}
        requests = self.requests(**wanted)
        if len(requests) != 1:
            raise self._failure(f"expected 1 request with {_listed(wanted)}, got {len(requests)}")

    def assert_providers_tried(self, *providers: str) -> None:
        """Check that the app asked these providers for a token or whether they are there, in this order, and no other.

        Providers that find out without a request that they are not available leave no trace. Raises AssertionError as
        above.
        """
        tried = tuple(dict.fromkeys(entry.provider for entry in self.requests() if entry.provider))
        if tried != providers:
            expected = ", ".join(providers) or "none"
            raise self._failure(f"expected the providers tried to be {expected}, got {', '.join(tried) or 'none'}")

    def assert_no_requests(self, **criteria: object) -> None:
        """Check that no request like these was made. Raises AssertionError as above."""
        requests = self.requests(**criteria)
        if requests:
            raise self._failure(f"expected no request with {_listed(criteria)}, got {len(requests)}")

    def _failure(self, reason: str) -> AssertionError:
        return AssertionError(f"azcred: {reason}.\n{describe(self.requests())}")

    def clear(self) -> None:
        """Forget every entry."""
        with self._lock:
            if self.on_clear:
                self.on_clear(self._entries)
            self._entries.clear()
            self._dropped = 0
            self._cleared += 1
            self._version += 1
            self._changed.notify_all()


def describe(entries: Sequence[Entry]) -> str:
    """Return entries as a table for a person to read: when, by whom, what for, and what became of it."""
    if not entries:
        return "The emulators got no request."
    return f"The emulators got these requests:\n{table(entries)}"


def table(entries: Sequence[Entry]) -> str:
    """Return entries as the lines of a table; times are since the first of them."""
    rows = [("#", "time", "provider", "request", "outcome")]
    for entry in entries:
        elapsed = _elapsed(entry.at - entries[0].at)
        rows.append((str(entry.number), elapsed, entry.provider or "-", entry.request, entry.outcome))
    widths = [min(max(len(row[column]) for row in rows), _WIDEST) for column in range(4)]
    return "\n".join(
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    )


_WIDEST = 70  # characters of a column; a longer cell moves only its own line's
_SHOWN_CLAIMS = ("aud", "appid", "azp", "upn", "preferred_username", "oid", "tid", "scp", "roles", "exp")


def shown_claims(claims: Mapping[str, object]) -> str:
    """Return the claims of a token that say whose it is, what for and until when."""
    shown = {name: claims[name] for name in _SHOWN_CLAIMS if claims.get(name)}
    if isinstance(expires := shown.get("exp"), int):
        shown["exp"] = f"{datetime.fromtimestamp(expires, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    return " ".join(f"{name}={value}" for name, value in shown.items())


def _elapsed(seconds: float) -> str:
    """Return seconds to the millisecond, or hours, minutes and seconds if they are many."""
    if abs(seconds) < 60:
        return f"+{seconds:.3f} s"
    return f"+{timedelta(seconds=round(seconds))}"


def _listed(criteria: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in criteria.items()) or "any field"
