"""The result of a command, and what every fault of a command is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from azcred_emulators.emulation.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What an executable prints and returns; the launcher waits `delay` seconds before it prints.

    If the command waits for a person, `resume` holds a text: the launcher prints at once, waits `delay` seconds and
    makes the same call with that text.
    """

    stdout: str = field(default="", repr=False)
    stderr: str = ""
    exit_code: int = 0
    delay: float = 0.0
    resume: str = field(default="", repr=False)


class CommandFault(Fault, ABC):
    """A fault of a call of an executable."""

    __slots__ = ()

    @abstractmethod
    def apply_to_command(self, run: Callable[[], CommandResult]) -> CommandResult:
        """Return what the executable prints instead; `run` makes the call without the fault."""
