"""The demonstration of `azcred demo`: every environment, an expiring token and a fallback, with each chain."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import jwt

from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import ENVIRONMENTS, Environment
from pytest_azcred.azcred import Azcred
from pytest_azcred.run import isolated
from pytest_azcred.variables import EnvironmentVariables

SCOPE = "https://storage.azure.com/.default"
Print = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Chain:
    """An implementation of DefaultAzureCredential."""

    name: str
    credential: Callable[[], Any]


def demonstrate(show: Print = print) -> None:
    """Show everything, with our own chain and, if it is installed, azure-identity's."""
    chains = _chains()
    logging.disable(logging.WARNING)  # a chain without a token says so in its log as well
    try:
        with Emulators() as emulators:
            _show_environments(emulators, chains, show)
            _show_renewal(emulators, chains, show)
            _show_fallback(emulators, chains, show)
    finally:
        logging.disable(logging.NOTSET)


def _chains() -> Sequence[Chain]:
    from pytest_azcred import credentials

    ours = Chain("pytest_azcred.credentials", credentials.DefaultAzureCredential)
    try:
        import azure.identity as azure_identity
    except ImportError:
        return (ours,)
    return (Chain(f"azure-identity {version('azure-identity')}", azure_identity.DefaultAzureCredential), ours)


@contextmanager
def _session(emulators: Emulators, *environments: str) -> Iterator[tuple[Azcred, EnvironmentVariables]]:
    with isolated(emulators) as session:
        variables = EnvironmentVariables()
        session.environment(*environments)
        yield session, variables
        variables.restore()


def _show_environments(emulators: Emulators, chains: Sequence[Chain], show: Print) -> None:
    show("DefaultAzureCredential().get_token() in every environment, on this machine and offline\n")
    if len(chains) == 1:
        show("Only our own chain is shown. To see azure-identity beside it: pip install azure-identity\n")
    for environment in ENVIRONMENTS.values():
        show(f"{environment.name}: {environment.description}")
        for chain in chains:
            with _session(emulators, environment.name) as (session, _):
                show(f"  {chain.name:28} {_outcome(session, environment, chain)}")
                for entry in session.journal.requests():
                    show(f"  {'':28}   {_line(entry)}")
        show("")


def _outcome(session: Azcred, environment: Environment, chain: Chain) -> str:
    from azure.core.exceptions import ClientAuthenticationError

    credential = chain.credential()
    started = time.perf_counter()
    try:
        token = credential.get_token(SCOPE).token
    except ClientAuthenticationError as error:
        credentials = [line.split(":")[0].strip() for line in str(error).splitlines() if line.startswith("\t")]
        return f"no token from any of {len(credentials)} credentials in {_milliseconds(started)}"
    finally:
        credential.close()
    duration = _milliseconds(started)
    provider = _winner(session)
    expected = "" if provider == environment.provider else f" (expected {environment.provider})"
    return f"{provider} won{expected} in {duration}, token of {_identity(session, token)}"


def _show_renewal(emulators: Emulators, chains: Iterable[Chain], show: Print) -> None:
    show("A token expires and is renewed: the clock moves 25 hours in no time")
    for chain in chains:
        with _session(emulators, "virtual-machine") as (session, _):
            credential = chain.credential()
            first = credential.get_token(SCOPE)
            again = credential.get_token(SCOPE)
            session.clock.advance(hours=25)
            renewed = credential.get_token(SCOPE)
            credential.close()
            times = len(session.journal.requests(answered=True))
            show(
                f"  {chain.name:28} asked again at once: {_same(first, again)}; after 25 hours: "
                f"{_same(first, renewed)}; IMDS gave {times} tokens"
            )
    show("")


def _show_fallback(emulators: Emulators, chains: Iterable[Chain], show: Print) -> None:
    show("A fallback: a virtual machine with a service principal in its variables, which are then removed")
    for chain in chains:
        with _session(emulators, "virtual-machine", "developer-service-principal") as (session, variables):
            for situation in ("with them", "without them"):
                session.journal.clear()
                credential = chain.credential()
                token = credential.get_token(SCOPE).token
                credential.close()
                show(f"  {chain.name:28} {situation}: {_winner(session)} won, token of {_identity(session, token)}")
                for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
                    variables.delenv(name)


def _winner(session: Azcred) -> str:
    return session.journal.requests(answered=True)[-1].provider or "?"


def _identity(session: Azcred, token: str) -> str:
    """Return whose token it is, by its claims, as a service that receives it would."""
    claims = jwt.decode(token, options={"verify_signature": False})
    if claims["idtyp"] == "user":
        return str(claims["upn"])
    principal = session.directory.principal(claims["appid"])
    return f"{principal.name if principal else 'nobody'} ({claims['appid']})"


def _line(entry: JournalEntry) -> str:
    error = f" {entry.error}" if entry.error else ""
    request = entry.command or f"{entry.method} {entry.server_name}"
    return f"{request}  {entry.operation}  {entry.status}{error}"


def _same(first: Any, second: Any) -> str:
    return "the same token" if first.token == second.token else "a new token"


def _milliseconds(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"
