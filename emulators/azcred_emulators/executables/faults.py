"""What can go wrong with a call of an executable, beside `Slow` and `Hang`, which befall requests as well.

fake_azure_cli.faults.add(Hang())
fake_azure_cli.faults.add(Exit(1, stderr="ERROR: ..."), times=2)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from azcred_emulators.executables.executable import Result
from azcred_emulators.faults.delays import Hang, Slow

__all__ = ["Crash", "Exit", "Garbage", "Hang", "Noise", "Slow"]


@dataclass(frozen=True, slots=True)
class Exit:
    """The executable does nothing but print this and exit with this code."""

    code: int
    stdout: str = ""
    stderr: str = ""

    def befall_call(self, run: Callable[[], Result]) -> Result:
        """Leave the call out."""
        return Result(stdout=self.stdout, stderr=self.stderr, exit_code=self.code)


@dataclass(frozen=True, slots=True)
class Noise:
    """The executable prints something before what it prints otherwise."""

    stdout: str = ""
    stderr: str = "WARNING: You have 2 update(s) available. Consider updating your CLI installation with 'az upgrade'\n"

    def befall_call(self, run: Callable[[], Result]) -> Result:
        """Make the call."""
        result = run()
        return replace(result, stdout=self.stdout + result.stdout, stderr=self.stderr + result.stderr)


@dataclass(frozen=True, slots=True)
class Garbage:
    """The executable succeeds and prints what nobody can read."""

    stdout: str = "{]\x1b[0m\x00 not what anybody asked for"

    def befall_call(self, run: Callable[[], Result]) -> Result:
        """Leave the call out."""
        return Result(stdout=self.stdout)


@dataclass(frozen=True, slots=True)
class Crash:
    """The executable ends with a Python traceback, as one that is not installed properly does."""

    error: str = "ModuleNotFoundError: No module named 'azure'"

    def befall_call(self, run: Callable[[], Result]) -> Result:
        """Leave the call out."""
        lines = ("Traceback (most recent call last):", '  File "<frozen runpy>", line 198, in _run_module_as_main')
        return Result(stderr="\n".join((*lines, self.error, "")), exit_code=1)
