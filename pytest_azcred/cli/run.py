"""`azcred run` and `azcred shell`: any command, in an environment of the table."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path

from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulators import Emulators
from azcred_emulators.standalone.configuration import Configuration
from pytest_azcred.azurite import Azurite, find_executable
from pytest_azcred.cli.signals import Signals
from pytest_azcred.cli.summary import summary
from pytest_azcred.cli.watchdog import Watchdog
from pytest_azcred.redirect.children import children
from pytest_azcred.redirect.routes import Route
from pytest_azcred.redirect.routing import Routing

_FORWARDED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
_FROM_TERMINAL = ("SIGINT", "SIGQUIT")  # which the terminal sends to every process in front of it


class CommandFailed(Exception):
    """A command that cannot be run; `exit_code` is what a shell would return, the text one sentence."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run(
    command: Sequence[str],
    environments: Sequence[str] = (),
    *,
    quiet: bool = False,
    journal: Path | None = None,
    accounts: Sequence[str] = (),
    configuration: Configuration | None = None,
) -> int:
    """Run a command in environments of the table and return its exit code, 128+n if the signal n has ended it.

    Unless `quiet`, who asked for what is told on standard error afterwards; `journal` is a file for all of it, one
    JSON object a line. Azurite answers for the storage `accounts`. Raises LookupError for an environment that is not
    in the table, and if Azurite is needed and not there; OSError if the journal cannot be written; CommandFailed if
    the command cannot be run.
    """
    if journal is not None:
        write(journal, ())  # rather now than after a long run
    with ExitStack() as stack:
        configuration = configuration or Configuration()
        environments = environments or configuration.environments
        emulators = Emulators(environments)
        watchdog = Watchdog(emulators.folder)
        stack.callback(watchdog.dismiss)
        stack.enter_context(emulators)
        emulators.on_new_host = lambda host: emulators.routes.update({(host, 443): emulators.https.address})
        configuration.apply(emulators)
        if accounts:
            azurite = stack.enter_context(Azurite(emulators, *accounts, executable=find_executable(Path.cwd())))
            emulators.routes |= dict.fromkeys(((host, 443) for host in azurite.hosts), azurite.address)
        code = _supervise(command, python_too(emulators, emulators.variables()), watchdog)
        entries = emulators.journal.requests()
        if journal is not None:
            write(journal, entries)
        if not quiet:
            places = ", ".join(environments) or "nowhere on Azure"
            print(summary(entries, title=f"{os.path.basename(command[0])} ran in {places}"), file=sys.stderr)
    return code


def python_too(emulators: Emulators, variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables by which Python processes are redirected as tests are, whatever client they use.

    They also find the files of Azure Arc's agent.
    """
    routes = dict(emulators.authority_routes())
    folders: dict[str, str] = {}
    routes |= {(host, 443): emulators.https.address for host in emulators.resources.hosts}
    routes["169.254.169.254", 80] = emulators.http.address
    for setup in emulators.setups:
        routes |= setup.routes
        folders |= {folder: str(stand_in) for folder, stand_in in setup.folders.items()}
    saved = emulators.folder / "routing.json"
    table = [Route(host, port, to) for (host, port), to in {**routes, **emulators.routes}.items()]
    Routing(emulators.certificate_authority.pem, table).save(saved, folders)
    return {**variables, **children(variables, emulators.folder)}


def write(path: Path, entries: Iterable[JournalEntry]) -> None:
    """Write entries of a journal to a file, one JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(entry))}\n" for entry in entries)


def _supervise(command: Sequence[str], variables: Mapping[str, str], watchdog: Watchdog) -> int:
    """Run a command to its end and return its exit code; signals to this process are passed on to it.

    At a terminal it stays in front with this process, so that it can read and Ctrl-C reaches it; elsewhere it gets a
    process group of its own, so that all of it can be ended. Raises CommandFailed if it cannot be run.
    """
    terminal = _has_terminal()
    kept = _FROM_TERMINAL if terminal else ()
    forwarded = {getattr(signal, name) for name in _FORWARDED if hasattr(signal, name) and name not in kept}
    signals = Signals(*_FORWARDED)  # also while everything is cleared away afterwards
    try:
        child = subprocess.Popen(command, env=variables, start_new_session=not terminal)  # noqa: S603  # what it is for
    except FileNotFoundError:
        raise CommandFailed(f"there is no command {command[0]!r} on PATH, or no interpreter for it", 127) from None
    except (OSError, ValueError) as error:  # no permission, no program, or a zero byte in an argument
        raise CommandFailed(f"the command {command[0]!r} cannot be run: {error}", 126) from None
    watchdog.guard(child.pid, group=not terminal)

    def wait() -> None:
        child.wait()
        signals.wake()

    threading.Thread(target=wait, name="azcred-command", daemon=True).start()
    while child.returncode is None:
        number = signals.next()
        if number in forwarded:
            child.send_signal(number)
    return 128 - child.returncode if child.returncode < 0 else child.returncode


def _has_terminal() -> bool:
    """Tell whether this process has a terminal that can send it signals; outside POSIX, none is known to be without."""
    if os.name != "posix":
        return True
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    return False
