"""Faults of the calls of executables; `Slow` and `Hang` apply to these as well.

fake_azure_cli.faults.add(Hang())
fake_azure_cli.faults.add(Exit(1, stderr="ERROR: ..."), times=2)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from azcred_emulators.emulation.command import CommandFault, CommandResult


@dataclass(frozen=True, slots=True, repr=False)
class Exit(CommandFault):
    """The executable only prints this and exits.

    :param code: the exit code.
    :param stdout: what it prints to standard output.
    :param stderr: what it prints to standard error.
    """

    code: int
    stdout: str = ""
    stderr: str = ""

    def apply_to_command(self, run: Callable[[], CommandResult]) -> CommandResult:
        """Leave the call out."""
        return CommandResult(stdout=self.stdout, stderr=self.stderr, exit_code=self.code)


@dataclass(frozen=True, slots=True, repr=False)
class Noise(CommandFault):
    """The executable prints something before its normal output.

    :param stdout: what it prints to standard output.
    :param stderr: what it prints to standard error.
    """

    stdout: str = ""
    stderr: str = "WARNING: You have 2 update(s) available. Consider updating your CLI installation with 'az upgrade'\n"

    def apply_to_command(self, run: Callable[[], CommandResult]) -> CommandResult:
        """Make the call."""
        result = run()
        return replace(result, stdout=self.stdout + result.stdout, stderr=self.stderr + result.stderr)


@dataclass(frozen=True, slots=True, repr=False)
class Garbage(CommandFault):
    """The executable succeeds and prints something that no program can read.

    :param stdout: what it prints.
    """

    outcome: ClassVar[str | None] = "malformed"

    stdout: str = "{]\x1b[0m\x00 not what anybody asked for"

    def apply_to_command(self, run: Callable[[], CommandResult]) -> CommandResult:
        """Leave the call out."""
        return CommandResult(stdout=self.stdout)


@dataclass(frozen=True, slots=True, repr=False)
class Crash(CommandFault):
    """The executable ends with a Python traceback, as if it were not installed properly.

    :param error: the last line of the traceback.
    """

    outcome: ClassVar[str | None] = "unavailable"

    error: str = "ModuleNotFoundError: No module named 'azure'"

    def apply_to_command(self, run: Callable[[], CommandResult]) -> CommandResult:
        """Leave the call out."""
        lines = ("Traceback (most recent call last):", '  File "<frozen runpy>", line 198, in _run_module_as_main')
        return CommandResult(stderr="\n".join((*lines, self.error, "")), exit_code=1)
