"""Runs a program for what it prints, but not for longer than it may take."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import Popen

_PATIENCE_WITH_THE_DEAD = 1.0  # seconds until what a killed program has left behind is given up


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed, and its exit code."""

    exit_code: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)


def run(command: Sequence[str], *, folder: str, environ: Mapping[str, str], seconds: float) -> Output:
    """Run a program without any input and wait for its end.

    It gets a process group of its own, and when its time is up, or this thread is interrupted, the whole group is
    killed: a script's interpreter and whatever that started would otherwise live on. (On Windows only the program
    itself is killed.)

    :param command: the program's path and its arguments.
    :param folder: its working directory.
    :param seconds: how long it may take.
    :raises TimeoutError: it took longer.
    :raises OSError: it could not be started.
    """
    from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

    process = Popen(  # noqa: S603  # a list, without a shell
        command,
        cwd=folder,
        env=dict(environ),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    except BaseException as error:
        _kill(process)
        if isinstance(error, TimeoutExpired):
            raise TimeoutError(f"{command[0]} did not end within {seconds:g} s") from None
        raise
    return Output(process.returncode, stdout, stderr)


def _kill(process: Popen[str]) -> None:
    from subprocess import TimeoutExpired

    if sys.platform == "win32":
        process.kill()
    else:
        from signal import SIGKILL

        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(process.pid, SIGKILL)
    try:
        process.communicate(timeout=_PATIENCE_WITH_THE_DEAD)
    except TimeoutExpired:  # something left the group and holds the pipes
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        process.wait(_PATIENCE_WITH_THE_DEAD)
