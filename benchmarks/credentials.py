"""What a token costs the app: azure-identity's chain beside ours, first and cached."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import azure.identity
import pytest

import pytest_azcred.credentials
from azcred_emulators.emulators import Emulators
from benchmarks.measure import figure, heading, median_seconds, milliseconds
from pytest_azcred.session import Session

SCOPE = "https://vault.azure.net/.default"
_LIBRARIES = {"azure-identity": azure.identity, "ours": pytest_azcred.credentials}


def run(*, short: bool) -> None:
    """Time both chains against the same emulators."""
    heading("DefaultAzureCredential on a virtual machine: azure-identity beside pytest_azcred.credentials")
    for name, library in _LIBRARIES.items():
        with (
            Emulators() as emulators,
            pytest.MonkeyPatch.context() as variables,
            Session(emulators, variables).active() as session,
            library.DefaultAzureCredential() as credential,
        ):
            session.environment("virtual-machine")
            first = _first(library.DefaultAzureCredential, 2 if short else 30)
            cached = median_seconds(partial(credential.get_token, SCOPE), 10 if short else 5000)
        figure(f"{name}: import", milliseconds(_import_seconds(library.__name__)))
        figure(f"{name}: new credential and its first token", milliseconds(first))
        figure(f"{name}: cached token", f"{cached * 1e6:.1f} us")


def _first(credential: Callable[[], Any], times: int) -> float:
    durations = []
    for _ in range(times):
        started = time.perf_counter()
        with credential() as one:
            one.get_token(SCOPE)
        durations.append(time.perf_counter() - started)
    return statistics.median(durations)


def _import_seconds(module: str) -> float:
    timed = f"from {module} import DefaultAzureCredential"
    code = f"import time; started = time.perf_counter(); {timed}; print(time.perf_counter() - started)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(result.stdout)
