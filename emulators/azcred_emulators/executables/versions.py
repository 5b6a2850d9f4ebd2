"""Versions of tools, as numbers that compare."""

import re

Version = tuple[int, ...]


def version(text: str) -> Version:
    """Return the numbers in a version."""
    return tuple(int(number) for number in re.findall(r"\d+", text))
