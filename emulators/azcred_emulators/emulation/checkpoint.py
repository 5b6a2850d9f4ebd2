"""Checkpoints: what is changed after one is undone later, so that a test leaves what was there before it."""

from collections.abc import Callable, Iterable
from typing import Any, cast

Undo = Callable[[], None]


def checkpoint(*objects: object) -> Undo:
    """Note the attributes of these objects; returns the function that brings them back.

    Dictionaries, lists and sets get back what they held, since others may hold them, too. What is in them is taken to
    be immutable.
    """
    saved = [(each, {name: (value, _content(value)) for name, value in vars(each).items()}) for each in objects]

    def undo() -> None:
        for each, attributes in saved:
            for name, (value, content) in attributes.items():
                setattr(each, name, value)
                _fill(value, content)

    return undo


def undo_all(undos: Iterable[Undo]) -> Undo:
    """Return a function that calls all of these, the last one first."""
    calls = list(undos)

    def undo() -> None:
        for call in reversed(calls):
            call()

    return undo


def _content(value: object) -> object:
    """Return a copy of what a container holds, None for anything else."""
    return value.copy() if isinstance(value, dict | list | set) else None


def _fill(value: object, content: object) -> None:
    if isinstance(value, list) and isinstance(content, list):
        value[:] = content
    elif isinstance(value, dict | set):
        value.clear()
        value.update(cast("Any", content))
