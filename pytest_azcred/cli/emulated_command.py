"""A command that runs with the emulators in the place of Azure, and the record of its requests."""

import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments.identity_variables import check_kept
from azcred_emulators.standalone.configuration import Configuration
from pytest_azcred.azurite import Azurite, find_executable
from pytest_azcred.cli.child_process import supervise
from pytest_azcred.cli.summary import summary
from pytest_azcred.cli.watchdog import Watchdog
from pytest_azcred.redirect import advice
from pytest_azcred.redirect.children import children
from pytest_azcred.redirect.own_route import OwnRoute
from pytest_azcred.redirect.routes import Route
from pytest_azcred.redirect.routing import Routing


def run(
    command: Sequence[str],
    environments: Sequence[str] = (),
    *,
    quiet: bool = False,
    journal: Path | None = None,
    accounts: Sequence[str] = (),
    routes: Iterable[OwnRoute] = (),
    keep: Collection[str] = (),
    configuration: Configuration | None = None,
) -> int:
    """Run a command in environments of the table and return its exit code, 128+n if the signal n has ended it.

    Unless `quiet`, a summary of the requests follows on standard error; `journal` is a file for all of them, one JSON
    object a line. Azurite answers for the storage `accounts`, and local servers of the user's own for the `routes`.
    The variables to `keep` are not hidden. Raises LookupError for an environment that is not in the table, and if
    Azurite is needed and not installed; ValueError for a variable that must be hidden; RuntimeError if Azurite does not
    start; OSError if the journal cannot be written; CommandError if the command cannot be run.
    """
    check_kept(keep)
    if journal is not None:
        write_journal(journal, ())  # rather now than after a long run
    with ExitStack() as stack:
        configuration = configuration or Configuration()
        emulators = Emulators(environments or configuration.environments)
        watchdog = Watchdog(emulators.folder)
        stack.callback(watchdog.dismiss)
        stack.enter_context(emulators)
        emulators.on_new_host = lambda host: emulators.routes.update({(host, 443): emulators.https.address})
        configuration.apply(emulators)
        for own in routes:
            emulators.routes |= own.addresses(emulators.relays.address)
        if accounts:
            azurite = stack.enter_context(Azurite(emulators, *accounts, executable=find_executable(Path.cwd())))
            emulators.routes |= dict.fromkeys(((host, 443) for host in azurite.hosts), azurite.address)
        exit_code = supervise(command, with_python_routing(emulators, emulators.variables(keep=keep)), watchdog)
        entries = emulators.journal.requests()
        if journal is not None:
            write_journal(journal, entries)
        if not quiet:
            places = ", ".join(environment.name for environment in emulators.environments) or "nowhere on Azure"
            print(summary(entries, title=f"{os.path.basename(command[0])} ran in {places}"), file=sys.stderr)
    return exit_code


def with_python_routing(emulators: Emulators, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, and those by which Python processes are redirected as tests are, whatever their client.

    They also find the files of Azure Arc's agent.
    """
    routes = emulators.relayed_routes() | emulators.authority_routes()
    folders: dict[str, str] = {}
    routes |= {(host, 443): emulators.https.address for host in emulators.resources.hosts}
    routes["169.254.169.254", 80] = emulators.http.address
    for setup in emulators.setups:
        routes |= setup.routes
        folders |= {folder: str(stand_in) for folder, stand_in in setup.folders.items()}
    table = [Route(host, port, to) for (host, port), to in {**routes, **emulators.routes}.items()]
    Routing(emulators.certificate_authority.pem, emulators.folder, table, advice.in_a_command()).save(folders)
    return {**variables, **children(variables, emulators.folder)}


def write_journal(path: Path, entries: Iterable[JournalEntry]) -> None:
    """Write entries of a journal to a file, one JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(entry))}\n" for entry in entries)
