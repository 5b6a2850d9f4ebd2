"""What one call of a fake developer tool costs, beside the real `az` and a Python that does nothing."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

from azcred_emulators.directory import Application, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments.processes import connection
from benchmarks.measure import figure, heading, median_seconds, milliseconds

_TOKEN = ("account", "get-access-token", "--output", "json", "--resource", "https://vault.azure.net")
_CALLS = {"az": _TOKEN, "azd": ("auth", "token", "--output", "json", "--scope", "https://vault.azure.net/.default")}
_REAL = Path(__file__).parents[1] / ".venv-az" / "bin" / "az"
_AT_ONCE = 8


def run(*, short: bool) -> None:
    """Time calls as SDKs make them; both tools have the token already."""
    heading("executables: one call for a token, as an SDK makes it")
    times = 3 if short else 60
    with Emulators() as emulators, tempfile.TemporaryDirectory() as folder:
        application = emulators.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
        assert isinstance(application, Application)
        variables = {
            **connection(emulators, {}),
            "HOME": folder,
            "PATH": os.defpath,
            "AZURE_CONFIG_DIR": f"{folder}/config",
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
        }
        path = emulators.executables.install(*_CALLS)
        for name, arguments in _CALLS.items():
            emulators.executables[name].sign_in(application)
            call = partial(_call, [str(path / name), *arguments], variables)
            figure(f"fake {name}", milliseconds(median_seconds(call, times)), "at most 40 ms")
        figure(f"fake az, {_AT_ONCE} at once, each", milliseconds(_at_once([str(path / "az"), *_TOKEN], variables)))
        nothing = partial(_call, [sys.executable, "-I", "-S", "-c", ""], variables)
        figure("a Python that does nothing", milliseconds(median_seconds(nothing, times)))
        _real(application, {**variables, "AZURE_CONFIG_DIR": f"{folder}/real"}, 2 if short else 15)


def _real(application: Application, variables: dict[str, str], times: int) -> None:
    if not _REAL.exists():
        figure("real az", "not here", "make test-az installs it")
        return
    secret = application.secrets[0].value
    login = ("login", "--service-principal", "-u", application.client_id, "-p", secret, "-t", application.tenant_id)
    _call([str(_REAL), *login], variables)
    call = partial(_call, [str(_REAL), *_TOKEN], variables)
    call()  # which gets the token
    figure("real az", milliseconds(median_seconds(call, times)))


def _call(command: Sequence[str], variables: dict[str, str]) -> None:
    subprocess.run(command, cwd="/bin", env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=True)


def _at_once(command: Sequence[str], variables: dict[str, str]) -> float:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        started = perf_counter()
        list(pool.map(lambda _: _call(command, variables), range(_AT_ONCE)))
        return (perf_counter() - started) / _AT_ONCE
