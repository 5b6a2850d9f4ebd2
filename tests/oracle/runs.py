"""Runs a chain in a situation, and notes what the app and the emulators saw."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from oracle.situations import Call, Fault, Situation

from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import aio
from pytest_azcred.run import isolated


@dataclass(frozen=True)
class Seen:
    """What came of one call.

    `outcome` is "token", "unavailable", "failed" or the name of an error of another kind. `identity` is who the token
    is for. `attempted` are the credentials that the error lists.
    """

    outcome: str
    identity: tuple[str, ...] = ()
    attempted: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What a chain did in a situation; `construction` is the error that it could not even be made for."""

    construction: str = ""
    calls: tuple[Seen, ...] = ()
    winner: str | None = None


def run(library: Any, situation: Situation, emulators: Emulators) -> Run:
    """Make the library's chain in a situation, and call it."""
    with (
        isolated(emulators) as session,
        pytest.MonkeyPatch.context() as variables,
        _quiet(),
    ):
        session.clock.skip_waits()
        if situation.environments:
            session.environment(*situation.environments)
        if situation.installed:
            session.install(*situation.installed)
        for name, value in situation.variables.items():
            if value is None:
                variables.delenv(name, raising=False)
            else:
                variables.setenv(name, value)
        for fault in situation.faults:
            _script(session, fault)
        try:
            chain = library.DefaultAzureCredential(**situation.keywords)
        except Exception as error:
            return Run(construction=type(error).__name__)
        with chain:
            calls = tuple(_call(chain, call, session) for call in situation.calls)
        return Run(calls=calls, winner=_winner(chain))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the libraries log."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _script(session: Azcred, fault: Fault) -> None:
    if fault.at == "authority":
        faults: Any = session.authority.faults
    elif fault.at in session.hosts:
        faults = session.hosts[fault.at].faults
    else:
        faults = session.executables[fault.at].faults
    faults.add(fault.fault, times=fault.times, optional=True)


def _call(chain: Any, call: Call, session: Azcred) -> Seen:
    if call.hours_later:
        session.clock.advance(hours=call.hours_later)
    before = len(session.journal.requests())
    outcome = "token"
    identity: tuple[str, ...] = ()
    attempted: tuple[str, ...] = ()
    try:
        if call.method == "get_token":
            token = chain.get_token(*call.scopes, **call.options)
        else:
            token = chain.get_token_info(*call.scopes, options=dict(call.options))
        identity = _identity(token.token)
    except Exception as error:
        outcome, attempted = _kind(error), _attempted(error)
    for thread in threading.enumerate():
        if thread.name == "azcred-renew":
            thread.join(60)
    requests = tuple(_line(entry) for entry in session.journal.requests()[before:])
    return Seen(outcome, identity, attempted, requests)


def _identity(token: str) -> tuple[str, ...]:
    claims = jwt.decode(token, options={"verify_signature": False})
    return tuple(str(claims.get(name)) for name in ("appid", "oid", "tid", "aud", "xms_cc"))


def _kind(error: Exception) -> str:
    if any(kind.__name__ == "CredentialUnavailableError" for kind in type(error).__mro__):
        return "unavailable"
    return "failed" if isinstance(error, ClientAuthenticationError) else type(error).__name__


def _attempted(error: Exception) -> tuple[str, ...]:
    return tuple(re.findall(r"^\t(\w+)(?:: |$)", str(error), flags=re.MULTILINE))


def _winner(chain: Any) -> str | None:
    winner = chain._successful_credential
    return type(winner).__name__ if winner else None


def _line(entry: JournalEntry) -> str:
    if entry.command:
        tool, _, arguments = entry.command.partition(" ")
        # PowerShell gets a script, which both libraries wrote themselves.
        return " ".join([tool, "..." if tool == "pwsh" else arguments, f"-> {entry.exit_code}"])
    parts = [
        f"{entry.method} {entry.server_name}{entry.path}",
        entry.operation,
        entry.grant,
        entry.tenant,
        entry.client_id,
        entry.resource,
        entry.scope,
    ]
    return " ".join(str(part) for part in parts if part) + f" -> {entry.status}"


class Synchronous:
    """The asynchronous chain, called as the synchronous one is."""

    class DefaultAzureCredential:
        """One such chain, with an event loop of its own."""

        def __init__(self, **keywords: Any) -> None:
            self._chain = aio.DefaultAzureCredential(**keywords)
            self._loop = asyncio.new_event_loop()

        @property
        def _successful_credential(self) -> object:
            return self._chain._wrapped._successful_credential

        def get_token(self, *scopes: str, **options: Any) -> Any:
            """Return the AccessToken."""
            return self._loop.run_until_complete(self._chain.get_token(*scopes, **options))

        def get_token_info(self, *scopes: str, options: Any) -> Any:
            """Return the AccessTokenInfo."""
            return self._loop.run_until_complete(self._chain.get_token_info(*scopes, options=options))

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            self._loop.run_until_complete(self._chain.close())
            self._loop.close()
