"""What azure-identity makes of its developer's tools: az, pwsh and azd, on their own and within a chain."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from support.sdk import Sdk

from azcred_emulators.directory import contoso
from azcred_emulators.faults import Exit, Garbage, Hang
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
PATIENT: dict[str, object] = {"process_timeout": 100}  # seconds: machines that run tests are busy
UNAVAILABLE, FAILED = CredentialUnavailableError, ClientAuthenticationError


@dataclass(frozen=True)
class Tool:
    """A tool: where the app runs with it, which credential calls it, and how it says that nobody is signed in."""

    place: str
    credential: str
    executable: str
    tenant_option: str


TOOLS = {
    "az": Tool("developer-azure-cli", "AzureCliCredential", "az", "--tenant"),
    "pwsh": Tool("developer-powershell", "AzurePowerShellCredential", "pwsh", "-TenantId"),
    "azd": Tool("developer-azd", "AzureDeveloperCliCredential", "azd", "--tenant-id"),
}


@pytest.fixture(params=list(TOOLS))
def tool(request: pytest.FixtureRequest) -> Tool:
    """Each of the tools in turn."""
    return TOOLS[request.param]


def test_a_token_with_everything(azcred: Azcred, sdk: Sdk, tool: Tool) -> None:
    """By either method, for a tenant that the credential or the call names."""
    place = azcred.environment(tool.place)
    for credential in (
        sdk.credential(tool.credential, **PATIENT),
        sdk.credential(tool.credential, tenant_id=contoso.TENANT.id, **PATIENT),
    ):
        assert credential.get_token(SCOPE, tenant_id=contoso.TENANT.id).token
        assert credential.get_token_info(SCOPE, tenant_id=contoso.TENANT.id).token
        assert credential.call("__enter__") is credential.wrapped
    assert len([entry for entry in place.requests() if entry.answered]) == 4
    if tool.executable != "pwsh":  # whose script is encoded
        assert all(f"{tool.tenant_option} {contoso.TENANT.id}" in str(entry.command) for entry in place.requests())


def test_az_for_a_subscription(azcred: Azcred, sdk: Sdk) -> None:
    """It is passed on as it is."""
    place = azcred.environment("developer-azure-cli")
    place.faults.add(Exit(1, stderr="ERROR: Subscription 'prod-eu' not found.\n"))
    with pytest.raises(FAILED, match="not found"):
        sdk.credential("AzureCliCredential", subscription="prod-eu", **PATIENT).get_token(SCOPE)
    assert "--subscription prod-eu" in str(place.requests()[0].command)


CLAIMS = '{"access_token":{"nbf":{"essential":true}}}'


def test_a_claims_challenge(azcred: Azcred, sdk: Sdk, tool: Tool) -> None:
    """azd takes it; the others want their user to sign in again, and say how."""
    place = azcred.environment(tool.place)
    credential = sdk.credential(tool.credential, **PATIENT)
    if tool.executable == "azd":
        assert credential.get_token(SCOPE, claims=CLAIMS).token
        return
    for ask in (credential.get_token, credential.get_token_info):
        with pytest.raises(UNAVAILABLE, match=r"az login|Connect-AzAccount"):
            ask(SCOPE, claims=CLAIMS, tenant_id=contoso.TENANT.id)
    assert place.requests() == []


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong, for the tools it can go wrong with, and what comes of it outside of a chain."""

    name: str
    prepare: Callable[[Azcred, Place], object]
    error: type[Exception]
    tools: tuple[str, ...] = ("az", "pwsh", "azd")


def exits(code: int, stderr: str = "", stdout: str = "") -> Callable[[Azcred, Place], None]:
    """Let the tool exit like this."""
    return lambda _, place: place.faults.add(Exit(code, stdout=stdout, stderr=stderr))


def broken(azcred: Azcred, place: Place) -> None:
    """Put a file in the tool's place that cannot be started."""
    path = Path(os.environ["PATH"].split(os.pathsep)[0]) / place.environment.executables[0]
    path.write_text("#!/nonexistent/interpreter\n")


DATED = json.dumps({"accessToken": "t", "expiresOn": "2026-13-45 00:00:00.000000"})
TROUBLES = [
    Trouble("127", exits(127, stderr="sh: not found"), UNAVAILABLE),
    Trouble("not recognized on Windows", exits(1, stderr="'az' is not recognized"), UNAVAILABLE, ("az",)),
    Trouble("not recognized on Windows too", exits(1, stderr="'azd' is not recognized"), UNAVAILABLE, ("azd",)),
    Trouble("nobody signed in", lambda _, place: place.executable.reset(), UNAVAILABLE),
    Trouble("AADSTS", exits(1, stderr="ERROR: AADSTS50079: please run az login\n"), FAILED, ("az",)),
    Trouble("no words", exits(1), FAILED, ("az", "azd")),
    Trouble("other words", exits(1, stderr="ERROR: out of luck\n"), FAILED, ("az", "azd")),
    Trouble("words of PowerShell's", exits(1, stderr="out of luck\n"), UNAVAILABLE, ("pwsh",)),
    Trouble("garbage", lambda _, place: place.faults.add(Garbage()), FAILED, ("az", "azd")),
    Trouble("a date that is none", exits(0, stdout=DATED), FAILED, ("az",)),
    Trouble("a file that cannot start", broken, UNAVAILABLE, ("az", "azd")),
]
CASES = [(TOOLS[name], trouble) for trouble in TROUBLES for name in trouble.tools]


@pytest.mark.parametrize(("tool", "trouble"), CASES, ids=[f"{tool.executable}-{one.name}" for tool, one in CASES])
def test_trouble(azcred: Azcred, sdk: Sdk, tool: Tool, trouble: Trouble) -> None:
    """On its own the credential fails or is unavailable; within the default chain it is always unavailable."""
    place = azcred.environment(tool.place)
    trouble.prepare(azcred, place)
    with pytest.raises(trouble.error) as failure:
        sdk.credential(tool.credential, **PATIENT).get_token(SCOPE)
    assert isinstance(failure.value, UNAVAILABLE) == (trouble.error is UNAVAILABLE)

    trouble.prepare(azcred, place)
    with pytest.raises(FAILED) as chain:
        sdk.credential("DefaultAzureCredential", **PATIENT).get_token_info(SCOPE)
    assert "\tAzureDeveloperCliCredential: " in str(chain.value)  # the last of them is asked in any case
    place.faults.clear()


def test_a_date_of_an_old_az(azcred: Azcred, sdk: Sdk) -> None:
    """Before 2.54 there was local time only."""
    place = azcred.environment("developer-azure-cli")
    old = json.dumps({"accessToken": "t", "expiresOn": "2031-05-05 12:00:00.000000", "tokenType": "Bearer"})
    place.faults.add(Exit(0, stdout=old))
    assert sdk.credential("AzureCliCredential", **PATIENT).get_token(SCOPE).expires_on > 1935000000


@pytest.mark.parametrize("name", ["az", "azd"])
def test_a_tool_that_hangs(azcred: Azcred, sdk: Sdk, name: str) -> None:
    """It is unavailable when the credential's patience is at an end; tests/interop has PowerShell, in a process."""
    place = azcred.environment(TOOLS[name].place)
    place.faults.add(Hang(), optional=True)  # a busy machine may not have started the tool by then
    with pytest.raises(UNAVAILABLE):
        sdk.credential(TOOLS[name].credential, process_timeout=1).get_token(SCOPE)


def test_what_azd_prints_as_events(azcred: Azcred, sdk: Sdk) -> None:
    """Its errors are lines of JSON among others; the message is taken from them."""
    place = azcred.environment("developer-azd")
    event = {"type": "consoleMessage", "timestamp": "t", "data": {"message": "\nERROR: fetching token: out of luck\n"}}
    for output in (f"\n[]\nnot json\n{json.dumps(event)}\n", json.dumps({"message": "Suggestion: try again"})):
        place.faults.add(Exit(1, stderr=output), Exit(0, stdout=output))
        for _ in range(2):
            with pytest.raises(FAILED):
                sdk.credential("AzureDeveloperCliCredential", **PATIENT).get_token(SCOPE)
