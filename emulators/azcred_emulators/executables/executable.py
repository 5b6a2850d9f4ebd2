"""What every executable is: a function from how it was called to what it prints."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of an executable: its arguments without its name, and the caller's variables and folder."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an executable prints and returns; the launcher waits `delay` seconds before it prints."""

    stdout: str = field(default="", repr=False)
    stderr: str = ""
    exit_code: int = 0
    delay: float = 0.0


class Executable(ABC):
    """A fake developer tool.

    `names` are the files it is on PATH as, `provider` is the link of the chain that calls it. `run` may add to the
    `details` what the journal should say of the call.
    """

    names: tuple[str, ...]
    provider: str

    @abstractmethod
    def run(self, invocation: Invocation, details: dict[str, object]) -> Result:
        """Answer one call."""

    @abstractmethod
    def reset(self) -> None:
        """Return to the state at the start: nobody is signed in."""
