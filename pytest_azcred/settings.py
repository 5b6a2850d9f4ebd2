"""How a process is isolated, where users may choose."""

from collections.abc import Sequence
from typing import NamedTuple


class IsolationSettings(NamedTuple):
    """The names of variables to `keep`, and whether a refused host fails as one that is `unreachable`."""

    keep: Sequence[str] = ()
    unreachable: bool = False
