"""What a token costs the app: azure-identity's credentials beside ours, where they are good and where it hurts."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import BlackHole, Hang, Slow, Status
from benchmarks.measure import figure, heading, median_seconds, milliseconds
from pytest_azcred.azcred import Azcred
from pytest_azcred.run import isolated

SCOPE = "https://vault.azure.net/.default"
_LIBRARIES = {"azure-identity": "azure.identity", "ours": "pytest_azcred.credentials"}
_LATENCY = 0.1  # seconds that an endpoint takes where it matters
_PATIENCE = 10.0  # seconds after which a hang counts as endless

Measure = Callable[[str, Azcred], str]


def run(*, short: bool) -> None:
    """Take each figure of both libraries against the same emulators."""
    heading("credentials: azure-identity beside pytest_azcred.credentials, imported already unless said otherwise")
    logging.disable(logging.CRITICAL)  # chains that find nothing say so
    with Emulators() as emulators:
        for name in _LIBRARIES.values():  # what is imported for the first token is
            _first(name, emulators, 1)
        for label, measure in _figures(short=short).items():
            for library, module in _LIBRARIES.items():
                with _session(emulators) as session:
                    figure(f"{label}: {library}", measure(module, session), _GOALS.get(label, ""))
    logging.disable(logging.NOTSET)
    _stalls(short=short)


def _figures(*, short: bool) -> dict[str, Measure]:
    return {
        "import of DefaultAzureCredential, new process": partial(_import, times=1 if short else 7),
        "new chain and its first token on a VM": lambda module, session: _milliseconds_of(
            partial(_ask, module, session, "virtual-machine"), 2 if short else 30
        ),
        "cached token of a managed identity": partial(_cached, place="virtual-machine", times=100 if short else 20000),
        "cached token of a client secret": partial(
            _cached, place="developer-service-principal", times=100 if short else 20000
        ),
        "50 threads want a first token: requests": _threads,
        "50 tasks want a first token: requests": _tasks,
        "az runs, 10 calls": _runs,
        "a call when the token is due for renewal": _renewal,
        "nothing there": partial(_nowhere, place=None, times=2 if short else 15),
        "nothing there, new process, imports included": _nowhere_anew,
        "an IMDS that the network swallows": partial(_nowhere, place="virtual-machine", fault=BlackHole()),
        "an IMDS that accepts and never answers": partial(
            _nowhere, place="virtual-machine", fault=Hang(1.5 if short else None)
        ),
        "a web server at the address of IMDS (404), waits counted": partial(_retries, status=404),
        "an IMDS that answers 500 as a page, waits counted": partial(_retries, status=500),
        "AZURE_POD_IDENTITY_AUTHORITY_HOST at a closed port, waits counted": _closed_port,
    }


_GOALS = {
    "import of DefaultAzureCredential, new process": "ours at most 35 ms",
    "cached token of a managed identity": "ours at most 0.5 us",
    "cached token of a client secret": "ours at most 0.5 us",
    "50 threads want a first token: requests": "ours 1",
    "50 tasks want a first token: requests": "ours 1",
    "az runs, 10 calls": "ours 1",
    "a call when the token is due for renewal": "the endpoint takes 100 ms; ours does not wait for it",
    "nothing there": "ours at most 100 ms",
    "an IMDS that the network swallows": "ours at most 1 s",
    "an IMDS that accepts and never answers": "ours at most 1 s",
    "a web server at the address of IMDS (404), waits counted": "ours leaves it at once",
    "an IMDS that answers 500 as a page, waits counted": "ours leaves it at once",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST at a closed port, waits counted": "ours at most 50 ms",
}


@contextmanager
def _session(emulators: Emulators) -> Iterator[Azcred]:
    with isolated(emulators) as session:
        yield session


def _chain(module: str, **keywords: Any) -> Any:
    return import_module(module).DefaultAzureCredential(**keywords)


def _first(module: str, emulators: Emulators, times: int) -> None:
    for _ in range(times):
        with _session(emulators) as session:
            _ask(module, session, "virtual-machine")


def _ask(module: str, session: Azcred, place: str) -> None:
    if not session.place:
        session.environment(place)
    with _chain(module) as chain:
        chain.get_token(SCOPE)


def _milliseconds_of(action: Callable[[], object], times: int) -> str:
    return milliseconds(median_seconds(action, times))


def _import(module: str, session: Azcred, times: int) -> str:
    timed = f"from {module} import DefaultAzureCredential"
    code = f"import time; started = time.perf_counter(); {timed}; print(time.perf_counter() - started)"

    def seconds() -> float:
        result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        return float(result.stdout)

    return milliseconds(min(seconds() for _ in range(times)))  # other processes only make it longer


def _cached(module: str, session: Azcred, place: str, times: int) -> str:
    session.environment(place)
    with _chain(module) as chain:
        chain.get_token(SCOPE)
        fastest = min(timeit.repeat(lambda: chain.get_token(SCOPE), number=times, repeat=5)) / times
        return f"{fastest * 1e6:.2f} us"


def _threads(module: str, session: Azcred) -> str:
    session.environment("kubernetes")
    session.authority.faults.add(Slow(_LATENCY), times=50, optional=True)
    together = threading.Barrier(50)
    with _chain(module) as chain, ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda _: (together.wait(), chain.get_token(SCOPE)), range(50)))
    return str(len(session.journal.requests(operation="token")))


def _tasks(module: str, session: Azcred) -> str:
    session.environment("kubernetes")
    session.authority.faults.add(Slow(_LATENCY), times=50, optional=True)

    async def main() -> None:
        async with _chain(f"{module}.aio") as chain:
            await asyncio.gather(*(chain.get_token(SCOPE) for _ in range(50)))

    asyncio.run(main())
    return str(len(session.journal.requests(operation="token")))


def _runs(module: str, session: Azcred) -> str:
    session.environment("developer-azure-cli")
    with _chain(module) as chain:
        for _ in range(10):
            chain.get_token(SCOPE)
    return str(len(session.journal.requests(provider="azure-cli")))


def _renewal(module: str, session: Azcred) -> str:
    session.environment("virtual-machine")
    with _chain(module) as chain:
        token = chain.get_token(SCOPE)
        session.clock.until_expiry_of(token, minus="4 min")
        session.hosts["imds"].faults.add(Slow(_LATENCY), optional=True)
        started = session.clock.now()
        chain.get_token(SCOPE)
        elapsed = session.clock.now() - started
        for thread in threading.enumerate():
            if thread.name == "azcred-renew":
                thread.join()
    return milliseconds(elapsed)


def _nowhere(module: str, session: Azcred, place: str | None, fault: Any = None, times: int = 1) -> str:
    """Fail to get a token, give up on a hang after a while, and say how long that took."""
    if place:
        session.environment(place)
    if fault:
        session.hosts["imds"].faults.add(fault, times=50, optional=True)
    chain = _chain(module)
    waiting = threading.Thread(target=lambda: _milliseconds_of(partial(_fail, chain), times), daemon=True)
    started = time.perf_counter()
    waiting.start()
    waiting.join(_PATIENCE)
    elapsed = (time.perf_counter() - started) / times
    if waiting.is_alive():
        session.hosts["imds"].faults.clear()  # ends the silence
        waiting.join()
        return f"over {_PATIENCE:.0f} s"
    chain.close()
    return milliseconds(elapsed)


def _fail(chain: Any) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    try:
        chain.get_token(SCOPE)
    except ClientAuthenticationError:
        return
    raise AssertionError("there must be no token")


def _nowhere_anew(module: str, session: Azcred) -> str:
    code = (
        "import time; started = time.perf_counter()\n"
        f"from {module} import DefaultAzureCredential\n"
        f"try: DefaultAzureCredential().get_token({SCOPE!r})\n"
        "except Exception: print(time.perf_counter() - started)"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return milliseconds(float(result.stdout))


def _retries(module: str, session: Azcred, status: int) -> str:
    """Fail against an IMDS that always answers the same; the clock passes over the waits and counts them."""
    session.environment("virtual-machine")
    page = f"<html><title>{status}</title></html>"
    session.hosts["imds"].faults.add(
        Status(status, body=page, content_type="text/html"), times=50, optional=True, operation="token"
    )
    if status == 404:
        session.hosts["imds"].faults.add(
            Status(status, body=page, content_type="text/html"), times=5, optional=True, operation="probe"
        )
    return _by_the_clock(module, session)


def _closed_port(module: str, session: Azcred) -> str:
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
        return _by_the_clock(module, session)


def _by_the_clock(module: str, session: Azcred) -> str:
    session.clock.advance(seconds=0)
    session.clock.skip_waits()
    with _chain(module) as chain:
        started = session.clock.now()
        _fail(chain)
        return milliseconds(session.clock.now() - started)


_EMULATORS = """
import sys
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Slow
with Emulators() as emulators:
    emulators.hosts["imds"].faults.add(Slow(0.1), times=1000, optional=True)
    print(emulators.http.url, flush=True)
    sys.stdin.read()
"""


def _stalls(*, short: bool) -> None:
    """Measure how long an event loop stands still at most, while the emulators run in a process of their own."""
    times = 2 if short else 20
    with subprocess.Popen(
        [sys.executable, "-c", _EMULATORS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as emulators:
        assert emulators.stdin
        assert emulators.stdout
        url = emulators.stdout.readline().strip()
        for library, module in (("no credential at all", ""), *_LIBRARIES.items()):
            environ = {**os.environ, "AZURE_POD_IDENTITY_AUTHORITY_HOST": url}
            command = [sys.executable, "-m", "benchmarks.stall", module, str(times)]
            result = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
            first, median, longest = (float(number) for number in result.stdout.split())
            figure(f"longest stall of asyncio, the process's first token: {library}", milliseconds(first))
            figure(
                f"longest stall of asyncio, later ones: {library}",
                milliseconds(median),
                f"median of {times} tokens, the longest {milliseconds(longest)}; ours below 5 ms on an idle machine",
            )
        emulators.stdin.close()
