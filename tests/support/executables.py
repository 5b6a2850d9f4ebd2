"""What runs an installed executable."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Protocol


class Call(Protocol):
    """Runs an installed executable in a process of its own."""

    def __call__(
        self, *command: str, variables: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Return what it printed and its exit code."""
