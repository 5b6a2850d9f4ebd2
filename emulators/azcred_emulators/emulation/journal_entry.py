"""The entries of the journal, each a request that reached an emulator, and the table that shows them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One request: its sender, its emulator and the answer. It has no secret and no token.

    :param number: its number in the journal, from 1.
    :param at: when it came, in seconds since the epoch on the virtual clock.
    :param emulator: the emulator that answered, such as "imds", "authority" or "executable".
    :param method: the HTTP method.
    :param server_name: the host name or address in the request.
    :param path: the path.
    :param host: the managed identity host, such as "imds"; None if the request went elsewhere.
    :param operation: what it is for, such as "token" or "probe".
    :param provider: the link of the chain that sends such a request; None where any could, as for discovery documents.
    :param grant: the OAuth grant type.
    :param tenant: the GUID of the tenant.
    :param client_id: the application or managed identity that sent it.
    :param identity: the name of the identity whose token was requested.
    :param resource: the resource, without the suffix `/.default`.
    :param scope: the scopes, as the client sent them.
    :param status: the HTTP status; None while it is being answered, and where a fault left it without an answer. For an
        executable it only says that the emulator answered.
    :param error: the reason of a refusal.
    :param claims: the claims of the token that was issued.
    :param command: the command line of an executable.
    :param exit_code: the exit code of an executable.
    :param fault: the kind of its fault.
    :param duration: how long the answer took, in seconds of real time.
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
        """True if a token was issued."""
        return self.operation == "token" and self.status == 200 and not self.exit_code

    @property
    def outcome(self) -> str:
        """The answer, the fault, and the error or the claims of the token, in a few words."""
        if self.exit_code is not None:
            answer = f"exit {self.exit_code}"
        else:
            answer = "no answer" if self.status is None else str(self.status)
        fault = f" (fault {self.fault})" if self.fault else ""
        reason = self.error or (shown_claims(self.claims) if self.claims else "")
        return f"{answer}{fault} in {self.duration * 1000:.0f} ms{f': {reason}' if reason else ''}"

    @property
    def request(self) -> str:
        """The emulator, the operation and the resource, or the command line, in a few words."""
        if self.command:
            return self.command
        what = self.resource or self.scope or ("" if self.operation else self.path)
        return f"{self.emulator} {self.operation or self.method} {what}".rstrip()

    def __str__(self) -> str:
        return f"{self.provider or '-'}  {self.request}  {self.outcome}"


def describe(entries: Sequence[JournalEntry]) -> str:
    """Return entries as text for a person to read: a table of time, provider, request and outcome."""
    if not entries:
        return "The emulators got no request."
    return f"The emulators got these requests:\n{table(entries)}"


def describe_refused(hosts: Sequence[str]) -> Sequence[str]:
    """Return a line that says to which hosts a connection was refused, none if there are none."""
    if not hosts:
        return ()
    listed = (host if count == 1 else f"{host} ({count} times)" for host, count in Counter(hosts).items())
    return (f"Refused were connections to {', '.join(listed)}.",)


def table(entries: Sequence[JournalEntry]) -> str:
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
