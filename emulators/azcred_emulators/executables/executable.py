"""What every executable is: a function from a call to what it prints."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.emulation.checkpoint import Undo, checkpoint
from azcred_emulators.emulation.command import CommandFault, CommandResult
from azcred_emulators.emulation.script import Faults
from azcred_emulators.faults.registry import COMMAND_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of an executable: its arguments without its name, and the caller's variables and folder.

    `resume` is that of the unfinished result that this call continues, if any.
    """

    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: str = "/"
    resume: str = field(default="", repr=False)


class Executable(ABC):
    """A fake developer tool.

    `names` are its names on PATH. `provider` is the link of the chain that calls it. The values of its `secret_options`
    are left out of the journal. `operations` are what its calls are for, as the journal names it. `token_command` are
    the words with which a call for a token starts. `faults` apply to its next calls, or only to calls for tokens if
    they are added with `operation="token"`. `run` may add to the `details` that the journal shows.
    """

    names: tuple[str, ...]
    provider: str
    secret_options: tuple[str, ...] = ()
    operations: Collection[str] = ("token",)
    token_command: tuple[str, ...]

    def __init__(self) -> None:
        self.faults: Faults[CommandFault] = Faults(names=("operation", "provider"), check=self._check_fault)

    def _check_fault(self, fault: CommandFault) -> None:
        if not isinstance(fault, CommandFault):
            kinds = ", ".join(COMMAND_KINDS)
            raise TypeError(f"{self.names[0]!r} runs commands, whose faults are {kinds}; {fault!r} is none of these")

    @abstractmethod
    def run(self, invocation: Invocation, details: dict[str, object]) -> CommandResult:
        """Answer one call."""

    @abstractmethod
    def sign_in(self, identity: User | Application | ManagedIdentity) -> None:
        """Sign an identity in, as the tool's own command does.

        :param identity: a user, an application, which signs in with its newest secret, or a managed identity.
        """

    @abstractmethod
    def sign_out(self) -> None:
        """Sign everybody out."""

    def checkpoint(self) -> Undo:
        """Note the state without the faults; returns the function that undoes what is changed after that."""
        return checkpoint(self)

    @abstractmethod
    def reset(self) -> None:
        """Return to the state at the start, in which no account is signed in."""
