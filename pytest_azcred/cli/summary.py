"""The summary of a run's requests, on one screen."""

from collections import Counter
from collections.abc import Iterable, Sequence

from azcred_emulators.emulation.journal_entry import JournalEntry

_MOST_LINES = 20
_WIDEST = 60  # characters of a cell
_HEADINGS = ("times", "who", "asked for", "identity", "outcome")


def summary(entries: Iterable[JournalEntry], *, title: str) -> str:
    """Return a table of the requests, equal ones in one line with their number, in the order of the first of each."""
    counts = Counter(_row(entry) for entry in entries)
    if not counts:
        return f"azcred: {title} and asked for nothing"
    rows = [(str(times), *row) for row, times in counts.items()]
    total = sum(counts.values())
    lines = [f"azcred: {title} and asked {'once' if total == 1 else f'{total} times'}"]
    lines += _table([_HEADINGS, *rows[:_MOST_LINES]])
    if len(rows) > _MOST_LINES:
        lines.append(f"  and {len(rows) - _MOST_LINES} more kinds of requests; --journal FILE has all of them")
    return "\n".join(lines)


def _row(entry: JournalEntry) -> tuple[str, ...]:
    """Return the cells that distinguish entries: the sender, the resource, the identity and the outcome."""
    outcome = "no answer" if entry.status is None else str(entry.status)
    if entry.exit_code is not None:
        outcome = f"exit {entry.exit_code}"
    if entry.fault:
        outcome += f" (fault {entry.fault})"
    return (
        entry.provider or entry.emulator,
        _cut(entry.command or entry.resource or entry.scope or entry.path),
        entry.identity or "-",
        _cut("  ".join(filter(None, (outcome, entry.error)))),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
