"""The ordered record of every request that reached an emulator, and the assertions on it."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from operator import attrgetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request: who was asked for what, and what it answered. It holds no secret and no token.

    Times are in epoch seconds by the virtual clock (`at`) and in seconds by the real one (`duration`).
    `status` is None while the request is being answered, and where a fault left it without an answer. `fault` is the
    kind of fault that befell it. `provider` is the link of the chain that sends such a request, None where any could
    (discovery documents). Of an executable, `command` is how it was called and `exit_code` what became of it;
    `status` only says that the emulator answered.
    """

    number: int
    at: float
    emulator: str
    method: str
    server_name: str
    path: str
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
    command: str | None = None
    exit_code: int | None = None
    fault: str | None = None
    duration: float = 0.0

    @property
    def host(self) -> str | None:
        """The managed identity host, such as "imds"; None if the request went elsewhere."""
        return None if self.command or self.emulator in _SERVICES else self.emulator

    @property
    def answered(self) -> bool:
        """Whether a token was handed out."""
        return self.operation == "token" and self.status == 200 and not self.exit_code

    def __str__(self) -> str:
        what = self.command or self.resource or self.scope or self.path
        outcome = "unanswered" if self.status is None else str(self.status)
        if self.exit_code is not None:
            outcome = f"exit {self.exit_code}"
        if self.fault:
            outcome += f" (fault {self.fault})"
        parts = [self.emulator, self.operation or self.method, what, outcome, self.error or ""]
        return "  ".join(part for part in parts if part) + f"  {self.duration * 1000:.0f} ms"


# Emulators that are no host of a managed identity.
_SERVICES = frozenset({"authority", "azure-pipelines", "executable", "github-actions", "graph", "issuer", "resource"})
_FIELDS = frozenset(field.name for field in fields(Entry)) | {"host", "answered"}


class Journal:
    """Every request since the last `clear`, in the order of arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def open(self, *, at: float, emulator: str, method: str, server_name: str, path: str) -> Entry:
        """Record a request's arrival."""
        with self._lock:
            entry = Entry(
                number=len(self._entries) + 1,
                at=at,
                emulator=emulator,
                method=method,
                server_name=server_name,
                path=path,
            )
            self._entries.append(entry)
        return entry

    def close(self, entry: Entry, **details: object) -> Entry:
        """Record what became of a request, or what is known of it so far, and return its entry.

        One that a `clear` has dropped in between is left out.
        """
        changed = replace(entry, **details)  # type: ignore[arg-type]
        with self._lock:
            index = entry.number - 1
            if index < len(self._entries) and self._entries[index] is entry:
                self._entries[index] = changed
        return changed

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
            asked = ", ".join(f"{name}={value!r}" for name, value in criteria.items()) or "any request"
            raise AssertionError(
                f"azcred: expected {expected} for {asked}, got {len(answered)}.\n{describe(self.requests())}"
            )

    def clear(self) -> None:
        """Forget every entry."""
        with self._lock:
            self._entries.clear()


def describe(entries: Iterable[Entry]) -> str:
    """Return entries as numbered lines for a person to read."""
    lines = [f"  {entry.number}  {entry}" for entry in entries]
    return "\n".join(["The emulators got these requests:", *lines] if lines else ["The emulators got no request."])
