"""What every executable is: a function from a call to what it prints."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.faults import Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of an executable: its arguments without its name, and the caller's variables and folder.

    `resume` is that of the unfinished result that this call continues, if any.
    """

    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: str = "/"
    resume: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an executable prints and returns; the launcher waits `delay` seconds before it prints.

    One that is not finished, because it waits for a person, has a text in `resume`: the launcher prints at once, waits
    `delay` seconds and makes the same call with that text.
    """

    stdout: str = field(default="", repr=False)
    stderr: str = ""
    exit_code: int = 0
    delay: float = 0.0
    resume: str = field(default="", repr=False)


class Fault(Protocol):
    """What can go wrong with a call; `run` is the call without the fault, which may or may not be made."""

    def befall_call(self, run: Callable[[], Result]) -> Result:
        """Return what the executable prints instead."""


class Executable(ABC):
    """A fake developer tool.

    `names` are its names on PATH, `provider` is the link of the chain that calls it. The values of its `secret_options`
    stay out of the journal. `token_command` are the words with which a call for a token starts. `faults` apply to its
    next calls, or to those for tokens if they are added with `operation="token"`. `run` may add to the `details` that
    the journal shows.
    """

    names: tuple[str, ...]
    provider: str
    secret_options: tuple[str, ...] = ()
    token_command: tuple[str, ...]

    def __init__(self) -> None:
        self.faults: Faults[Fault] = Faults()

    @abstractmethod
    def run(self, invocation: Invocation, details: dict[str, object]) -> Result:
        """Answer one call."""

    @abstractmethod
    def sign_in(self, identity: User | Application | ManagedIdentity) -> None:
        """Sign a user, an application with its newest secret, or a managed identity in, as the tool's command does."""

    @abstractmethod
    def reset(self) -> None:
        """Return to the state at the start, in which no account is signed in."""
