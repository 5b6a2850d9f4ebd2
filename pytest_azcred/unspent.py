"""The report of faults that no request of a test has met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from azcred_emulators.emulation.journal_entry import JournalEntry, table

if TYPE_CHECKING:
    from azcred_emulators.emulation.fault import Fault
    from azcred_emulators.emulation.script import Faults


def describe(name: str, faults: Faults[Fault], requests: Sequence[JournalEntry]) -> str:
    """Return a report of an emulator's unspent faults, with the requests that were not enough for them."""
    unspent = faults.unspent
    kinds = ", ".join(map(repr, unspent))
    were = "was" if len(unspent) == 1 else "were"
    count = f"{len(requests)} request{'' if len(requests) == 1 else 's'}"
    return "\n".join(
        [
            f"azcred: {len(unspent)} of {faults.added} faults for {name!r} {were} never reached: {kinds}.",
            f"The app made {count} to {name!r}{':' if requests else '.'}",
            *([table(requests)] if requests else []),
        ]
    )
