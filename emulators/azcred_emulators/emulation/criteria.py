"""What requests are chosen by, in the journal and in scripts of faults; checked, so that nothing misspelt passes."""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import get_args, get_origin

from azcred_emulators.emulation.journal_entry import JournalEntry

Vocabulary = Callable[[str], Collection[str]]  # returns the values that a closed field can have, none for any

# Fields whose every value is known.
CLOSED = frozenset({"emulator", "fault", "grant", "host", "operation", "provider"})
FIELDS: Mapping[str, object] = {**{field.name: field.type for field in fields(JournalEntry)}, "answered": bool}
_NOUNS: Mapping[object, str] = {bool: "True or False", float: "a number", int: "a whole number", str: "text"}
_DEFAULT_SCOPE = "/.default"


def any_value(field: str) -> Collection[str]:
    """Return no values: the vocabulary of a journal that does not know which emulators there are."""
    return ()


def check_names(criteria: Collection[str], names: Collection[str], *, refusal: str, there_are: str) -> None:
    """Raise TypeError for a criterion that is not among these names, in these words."""
    for name in criteria:
        if name not in names:
            raise TypeError(f"{refusal} {name!r}; {hint(name, names, there_are)}")


def check_values(criteria: Mapping[str, object], vocabulary: Vocabulary) -> None:
    """Raise ValueError for a value that no request can have, by its type or by the vocabulary of its field."""
    for name, value in criteria.items():
        types = _types(name)
        if not _is_of(value, types):
            nouns = " or ".join(_NOUNS.get(each, "a mapping") if each is not type(None) else "None" for each in types)
            raise ValueError(f"the {name} of a request is {nouns}, not {value!r}")
        if name == "resource" and isinstance(value, str) and value.endswith(_DEFAULT_SCOPE):
            resource = value.removesuffix(_DEFAULT_SCOPE).rstrip("/")
            raise ValueError(f"a resource has no scope's suffix {_DEFAULT_SCOPE!r}: write resource={resource!r}")
        known = vocabulary(name) if name in CLOSED and value is not None else ()
        if known and value not in known:
            raise ValueError(f"there is no {name} {value!r}; {hint(str(value), known)}")


def matches(criteria: Mapping[str, object], field: Callable[[str], object]) -> bool:
    """Tell whether a request, whose fields `field` returns by name, has these values.

    A trailing slash of a resource makes no difference: clients write both.
    """
    return all(_without_slash(name, field(name)) == _without_slash(name, value) for name, value in criteria.items())


def hint(name: str, names: Collection[str], there_are: str = "there are") -> str:
    """Return what is probably meant by a name that is not among these: the nearest, else all of them."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"{there_are} {', '.join(sorted(names))}"


def _without_slash(name: str, value: object) -> object:
    return value.rstrip("/") if name == "resource" and isinstance(value, str) else value


def _types(name: str) -> tuple[type, ...]:
    """Return the types that a field's value may have."""
    hints = get_args(FIELDS[name]) if get_origin(FIELDS[name]) is not Mapping else ()
    return tuple(get_origin(each) or each for each in hints or (FIELDS[name],))


def _is_of(value: object, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, (*types, int) if float in types else types)
