"""Versions of tools as tuples of numbers, which can be compared."""

import re

Version = tuple[int, ...]


def version(text: str) -> Version:
    """Return the numbers in a version."""
    return tuple(int(number) for number in re.findall(r"\d+", text))
