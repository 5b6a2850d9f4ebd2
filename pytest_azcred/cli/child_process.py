"""A child process that has this process's terminal and signals."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pytest_azcred.cli.commands import CommandError
from pytest_azcred.cli.descendants import Descendants
from pytest_azcred.cli.signals import Signals
from pytest_azcred.cli.watchdog import Watchdog

_FORWARDED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
_CHILD_ENDED = "SIGCHLD"
_FROM_TERMINAL = ("SIGINT", "SIGQUIT")  # which the terminal sends to every process in front of it


def supervise(command: Sequence[str], variables: Mapping[str, str], watchdog: Watchdog) -> int:
    """Run a command to its end and return its exit code; signals to this process are passed on to it.

    At a terminal it stays in front with this process, so that it can read and Ctrl-C reaches it; elsewhere it gets a
    process group of its own, so that all of it can be ended. What it leaves in the background ends after it. Raises
    CommandError with a shell's exit code if it cannot be run.
    """
    terminal = _has_terminal()
    by_terminal = _FROM_TERMINAL if terminal else ()
    forwarded = {getattr(signal, name) for name in _FORWARDED if hasattr(signal, name) and name not in by_terminal}
    signals = Signals(*_FORWARDED, _CHILD_ENDED)  # also while everything is cleared away afterwards
    descendants = Descendants()
    try:
        child = subprocess.Popen(command, env=variables, start_new_session=not terminal)  # noqa: S603  # what it is for
    except FileNotFoundError:
        raise CommandError(f"there is no command {command[0]!r} on PATH, or no interpreter for it", 127) from None
    except (OSError, ValueError) as error:  # no permission, no program, or a zero byte in an argument
        raise CommandError(f"the command {command[0]!r} cannot be run: {error}", 126) from None
    watchdog.guard(child.pid, group=not terminal)

    def wait() -> None:
        child.wait()
        signals.wake()

    threading.Thread(target=wait, name="azcred-command", daemon=True).start()
    while child.returncode is None:
        number = signals.next()
        if number in forwarded:
            child.send_signal(number)
        descendants.reap(child.pid)
    descendants.end(None if terminal else child.pid)
    return 128 - child.returncode if child.returncode < 0 else child.returncode


def _has_terminal() -> bool:
    """Tell whether this process has a terminal that can send it signals; outside POSIX it is taken to have one."""
    if os.name != "posix":
        return True
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    return False
