"""What every verb of `azcred` has: a parser beside those of the others, and errors of one sentence."""

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class CommandError(Exception):
    """A command that fails: its text is one sentence, `exit_code` is 2 for wrong use, 1 for any other failure."""

    def __init__(self, message: object, exit_code: int = 2) -> None:
        super().__init__(str(message))
        self.exit_code = exit_code


def file_error(error: OSError) -> CommandError:
    """Return the error of a command that cannot read or write a file."""
    return CommandError(f"{error.filename} cannot be used: {error.strerror}")
