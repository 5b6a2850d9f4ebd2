"""Places in which an app never asked for a token: what it has there it may have got elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azcred_emulators.directory import Directory
    from azcred_emulators.emulation.journal_entry import JournalEntry
    from azcred_emulators.environments import Environment


def is_idle(
    environments: Sequence[Environment],
    others: Iterable[Environment],
    entries: Sequence[JournalEntry],
    directory: Directory,
) -> bool:
    """Tell whether nobody asked for a token in some environments, as far as the requests meanwhile show.

    Those without an identity are left aside. A stand-in that has seen a token of their identity counts as a request.
    What was asked with the identity of one of the `others`, which outer scopes are in, does not count.
    """
    own = set(_identities(environments, directory))
    if not own:
        return False
    foreign = set(_identities(others, directory)) - own
    return not any(
        entry.identity in own or (entry.provider is not None and entry.identity not in foreign) for entry in entries
    )


def _identities(environments: Iterable[Environment], directory: Directory) -> Iterable[str]:
    """Return the names of the identities and users of environments, as the journal has them."""
    for environment in environments:
        principal = directory.principal(environment.client_id) if environment.client_id else None
        user = directory.user(environment.user) if environment.user else None
        if principal is not None:
            yield principal.name
        if user is not None:
            yield user.principal_name
