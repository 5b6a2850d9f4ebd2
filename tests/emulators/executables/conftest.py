"""Fake developer tools on PATH, and what calls them as an SDK or a shell would."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping

import pytest
from support.executables import Call

from azcred_emulators.directory import Application, ManagedIdentity, User, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.executables.azd.azd import AzureDeveloperCli
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.executables.powershell.pwsh import PowerShell


@pytest.fixture
def emulators(azcred_emulators: Emulators) -> Iterator[Emulators]:
    """The emulators in the state they start in, with the fake `az` installed."""
    azcred_emulators.executables.install("az")
    yield azcred_emulators
    azcred_emulators.reset()


@pytest.fixture
def az(emulators: Emulators) -> AzureCli:
    """The fake `az`."""
    return emulators.executables.azure_cli


@pytest.fixture
def powershell(emulators: Emulators) -> PowerShell:
    """The fake `pwsh`, installed."""
    emulators.executables.install("pwsh")
    return emulators.executables.powershell


@pytest.fixture
def azd(emulators: Emulators) -> AzureDeveloperCli:
    """The fake `azd`, installed."""
    emulators.executables.install("azd")
    return emulators.executables.azure_developer_cli


@pytest.fixture
def call(emulators: Emulators) -> Call:
    """Call executables as azure-identity does: from `/bin`, and here with nothing but PATH in the environment."""
    folder = emulators.executables.install()

    def run(
        *command: str, variables: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(folder / command[0]), *command[1:]],
            cwd="/bin",
            env={"PATH": f"{folder}{os.pathsep}{os.defpath}", **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def user(emulators: Emulators) -> User:
    """The user of the directory that a run starts with."""
    dana = emulators.directory.user(identifiers.USER_PRINCIPAL_NAME)
    assert dana
    return dana


@pytest.fixture
def application(emulators: Emulators) -> Application:
    """The service principal of the directory that a run starts with."""
    principal = emulators.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(principal, Application)
    return principal


@pytest.fixture
def identity(emulators: Emulators) -> ManagedIdentity:
    """The managed identity of the emulated virtual machine."""
    principal = emulators.directory.principal(identifiers.VIRTUAL_MACHINE_CLIENT_ID)
    assert isinstance(principal, ManagedIdentity)
    return principal
