"""The states of the fake developer tools that SDKs are tried with, whatever language they are written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from azcred_emulators.directory import Application, Directory, ManagedIdentity, User, identifiers
from azcred_emulators.emulation.command import CommandFault
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Crash, Exit, Garbage, Hang, Noise, Slow

TOOLS = {
    "AzureCliCredential": "az",
    "AzurePowerShellCredential": "pwsh",
    "AzureDeveloperCliCredential": "azd",
}
Prepare = Callable[[Emulators, str], object]


def user_of(directory: Directory) -> User:
    """Return the user of the directory that a run starts with."""
    user = directory.user(identifiers.USER_PRINCIPAL_NAME)
    assert user
    return user


def principal_of(directory: Directory, client_id: str) -> Application | ManagedIdentity:
    """Return an application or a managed identity of the directory."""
    principal = directory.principal(client_id)
    assert principal
    return principal


def _user(emulators: Emulators, tool: str) -> None:
    emulators.executables[tool].sign_in(user_of(emulators.directory))


def _principal(client_id: str) -> Prepare:
    return lambda emulators, tool: emulators.executables[tool].sign_in(principal_of(emulators.directory, client_id))


def _then(change: Prepare) -> Prepare:
    """Sign the user in and change something then."""

    def prepare(emulators: Emulators, tool: str) -> None:
        _user(emulators, tool)
        change(emulators, tool)

    return prepare


def _fault(fault: CommandFault) -> Prepare:
    """Let it apply to two calls: the JavaScript SDK calls PowerShell once to see whether it is there."""
    return _then(lambda emulators, tool: emulators.executables[tool].faults.add(fault, times=2))


def _module(version: str | None) -> Prepare:
    return _then(lambda emulators, _: setattr(emulators.executables.powershell, "module_version", version))


def _azd(version: str, change: Prepare) -> Prepare:
    def prepare(emulators: Emulators, tool: str) -> None:
        emulators.executables.azure_developer_cli.version = version
        change(emulators, tool)

    return prepare


_DISABLED = _then(lambda emulators, _: emulators.directory.replace(user_of(emulators.directory), enabled=False))

STATES: Mapping[str, Prepare] = {
    "not installed": lambda emulators, tool: emulators.executables.uninstall(tool),
    "nobody signed in": lambda _, __: None,
    "user": _user,
    "service principal": _principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID),
    "managed identity": _principal(identifiers.VIRTUAL_MACHINE_CLIENT_ID),
    "user disabled": _DISABLED,
    "session expired": _then(lambda emulators, _: emulators.clock.advance(days=91)),
    "sessions revoked": _then(
        lambda emulators, _: emulators.directory.replace(
            user_of(emulators.directory), tokens_valid_from=emulators.clock.now() + 1
        )
    ),
    "no module": _module(None),
    "module too old": _module("2.1.2"),
    "module 2.2": _module("2.2.0"),
    "module 2.17": _module("2.17.0"),
    "module 4.0": _module("4.0.2"),
    "execution policy": _then(
        lambda emulators, _: setattr(emulators.executables.powershell, "execution_policy", "Restricted")
    ),
    "azd 1.11.0, user disabled": _azd("1.11.0", _DISABLED),
    "azd 1.20.1, user disabled": _azd("1.20.1", _DISABLED),
    "azd 1.23.6, user disabled": _azd("1.23.6", _DISABLED),
    "azd 1.23.7, user disabled": _azd("1.23.7", _DISABLED),
    "azd 1.18.0": _azd("1.18.0", _user),
    "crash": _fault(Crash()),
    "silence": _fault(Exit(3)),
    "garbage": _fault(Garbage()),
    "noise": _fault(Noise()),
    "noise on standard output": _fault(Noise(stdout="Welcome\n", stderr="")),
    "slow": _fault(Slow(0.3)),
    "hang": _fault(Hang()),
}
