"""Every kind of fault in every place that asks over HTTP, as azure-identity and our own chain take it."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import azure.identity
import pytest
from azure.core.exceptions import ClientAuthenticationError
from support.fault_matrix import CLIENTS, EXAMPLES, PLACES, Example, cases, outcome, outcome_of_one, tries
from support.sdk import all_closed

import pytest_azcred.credentials
from azcred_emulators.faults.network import NetworkFault
from azcred_emulators.faults.registry import KINDS
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
UNAVAILABLE = (azure.identity.CredentialUnavailableError, pytest_azcred.credentials.CredentialUnavailableError)

Ask = Callable[[str, str], str]

pytestmark = [pytest.mark.slow]
if sys.version_info < (3, 11):  # its asyncio forgets to close the TLS of a connection that breaks, and complains of it
    pytestmark.append(
        pytest.mark.filterwarnings(r"ignore:.*_SSLProtocolTransport\.__del__:pytest.PytestUnraisableExceptionWarning")
    )


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Ask for a token with a client's credential for a place; returns what the app sees as a letter."""
    loop = asyncio.new_event_loop()
    others = set(threading.enumerate())

    def finish(result: Any) -> Any:
        return loop.run_until_complete(result) if inspect.isawaitable(result) else result

    def asking(client: str, place: str) -> str:
        credential = getattr(import_module(CLIENTS[client]), PLACES[place])()
        try:
            finish(credential.get_token(SCOPE))
        except UNAVAILABLE:
            return "U"
        except ClientAuthenticationError:
            return "F"
        except Exception:  # whatever it is, the app sees it
            return "X"
        finally:
            finish(credential.close())
        return "T"

    yield asking
    loop.run_until_complete(all_closed(loop, others))
    loop.close()


def script(place: Place, example: Example, times: int) -> None:
    """Add a fault for the next requests for tokens; Azure Arc's challenges before them are left alone."""
    chosen = {} if isinstance(example.fault, NetworkFault) else {"operation": "token"}
    place.faults.add(example.fault, times=times, optional=True, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "example", "client"), cases(), ids=[f"{client}-{name}-{one.fault!r}" for name, one, client in cases()]
)
def test_a_fault(azcred: Azcred, ask: Ask, name: str, example: Example, client: str) -> None:
    """If it lasts, the client gives up after so many tries; if it happens once, the next try is answered."""
    place = azcred.environment(name)
    azcred.clock.skip_waits()
    most = tries(name, example, client)
    kind = type(example.fault).__name__
    script(place, example, 100)
    assert ask(client, name) == outcome(name, example, client)
    met = len(azcred.journal.requests(fault=kind))
    # aiohttp sends a GET once more by itself when the connection ends without an answer.
    assert met in ((most, 2 * most) if client == "aio" and example.symptom == "silence" else (most,))

    place.faults.clear()
    azcred.journal.clear()
    script(place, example, 1)
    assert ask(client, name) == outcome_of_one(name, example, client)
    assert len(azcred.journal.requests(fault=kind)) == 1
    again = azcred.journal.requests(operation="token", fault=None)
    assert bool(again) == (most > 1)


def test_every_kind_is_in_the_matrix() -> None:
    """Except those that other tests are about: test_network.py and test_interop_hosts.py."""
    assert {type(example.fault).__name__ for example in EXAMPLES} == set(KINDS) - {"BlackHole", "BadChallenge"}
