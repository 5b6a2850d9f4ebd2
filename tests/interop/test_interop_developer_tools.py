"""Unmodified AzurePowerShellCredential and AzureDeveloperCliCredential of azure-identity against the fake tools."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from support.developer_tools import principal_of, user_of
from support.published import verified
from support.sdk import HALVES, IDENTITY, Sdk, for_release

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import contoso, identifiers
from azcred_emulators.executables.tool import Tool
from azcred_emulators.faults import Crash, Exit, Garbage, Hang, Noise
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
POWERSHELL, AZD = "AzurePowerShellCredential", "AzureDeveloperCliCredential"
# What azure-identity before 1.19 can read: from 5.0 on Az.Accounts returns secure strings only.
MODULE = for_release([((1, 15), "2.12.5"), ((1, 19), "5.3.0")])


def tool_of(azcred: Azcred, credential: str) -> Tool:
    """Install the fake that a credential calls and return it."""
    if credential == AZD:
        azcred.install("azd")
        return azcred.executables.azure_developer_cli
    azcred.install("pwsh")
    azcred.executables.powershell.module_version = MODULE
    return azcred.executables.powershell


@pytest.mark.parametrize("credential", [POWERSHELL, AZD])
@pytest.mark.parametrize(
    "client_id", [None, identifiers.SERVICE_PRINCIPAL_CLIENT_ID, identifiers.VIRTUAL_MACHINE_CLIENT_ID]
)
def test_whoever_is_signed_in(azcred: Azcred, sdk: Sdk, credential: str, client_id: str | None) -> None:
    """The token is the user's, the service principal's or the managed identity's, and verifies."""
    azcred.environment("nothing")
    who = principal_of(azcred.directory, client_id) if client_id else user_of(azcred.directory)
    tool = tool_of(azcred, credential)
    tool.sign_in(who)
    token = sdk.credential(credential).get_token(SCOPE)
    claims = verified(token.token, resource=VAULT, tenant=contoso.TENANT.id)
    assert claims["oid"] == who.object_id
    azcred.journal.assert_tokens(provider=tool.provider, resource=VAULT, times=1)


@pytest.mark.parametrize("credential", [POWERSHELL, AZD])
def test_the_default_chain_gets_to_it(azcred: Azcred, sdk: Sdk, credential: str) -> None:
    """What comes before it in the chain is not there."""
    azcred.environment("nothing")
    tool = tool_of(azcred, credential)
    tool.sign_in(user_of(azcred.directory))
    token = sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert verified(token.token, resource=VAULT, tenant=contoso.TENANT.id)["upn"] == identifiers.USER_PRINCIPAL_NAME
    assert [entry.provider for entry in azcred.journal.requests(operation="token")] == [tool.provider]


@dataclass(frozen=True)
class State:
    """A state of a tool: how it comes about, and what the credential makes of it on its own."""

    name: str
    prepare: Callable[[Azcred, Tool], object]
    powershell: tuple[type[Exception], str]
    azd: tuple[type[Exception], str]


def nothing(_azcred: Azcred, _tool: Tool) -> None:
    """Leave the tool as it is: nobody is signed in."""


def signed_in(change: Callable[[Azcred, Tool], object]) -> Callable[[Azcred, Tool], object]:
    """Sign the user in and let something go wrong then."""

    def prepare(azcred: Azcred, tool: Tool) -> None:
        tool.sign_in(user_of(azcred.directory))
        change(azcred, tool)

    return prepare


UNAVAILABLE, FAILED = CredentialUnavailableError, ClientAuthenticationError
NOT_STARTED = (UNAVAILABLE, "Failed to invoke PowerShell")  # whatever the reason; it is in the debug log
STATES = [
    State(
        "not installed",
        lambda azcred, _: azcred.uninstall("pwsh", "azd"),
        powershell=(UNAVAILABLE, "PowerShell is not installed"),
        azd=(UNAVAILABLE, "Azure Developer CLI could not be found"),
    ),
    State(
        "nobody signed in",
        nothing,
        powershell=(UNAVAILABLE, 'Please run "Connect-AzAccount" to set up account'),
        azd=(UNAVAILABLE, "Please run 'azd auth login'"),
    ),
    State(
        "user disabled",
        signed_in(lambda azcred, _: azcred.directory.replace(user_of(azcred.directory), enabled=False)),
        powershell=NOT_STARTED,
        azd=(FAILED, "AADSTS50057"),
    ),
    State(
        "session expired",
        signed_in(lambda azcred, _: azcred.clock.advance(days=91)),
        powershell=NOT_STARTED,
        azd=(FAILED, "AADSTS700082"),
    ),
    State(
        "more wanted of the user",
        signed_in(lambda _, tool: tool.token_errors.add(EntraError(50076, resource=VAULT))),
        powershell=NOT_STARTED,
        azd=(FAILED, "AADSTS50076"),
    ),
    State("crash", lambda _, tool: tool.faults.add(Crash()), powershell=NOT_STARTED, azd=(FAILED, "Traceback")),
    State(
        "silent failure", lambda _, tool: tool.faults.add(Exit(3)), powershell=NOT_STARTED, azd=(FAILED, "Failed to")
    ),
    State(
        "garbage",
        lambda _, tool: tool.faults.add(Garbage()),
        powershell=(FAILED, "Unexpected output from Get-AzAccessToken"),
        azd=(FAILED, "Unexpected output from Azure Developer CLI"),
    ),
]


@pytest.mark.parametrize("credential", [POWERSHELL, AZD])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_credential_on_its_own(azcred: Azcred, sdk: Sdk, credential: str, state: State) -> None:
    """Each state has the class of error and the message that the SDK has for it."""
    azcred.environment("nothing")
    state.prepare(azcred, tool_of(azcred, credential))
    expected, message = state.azd if credential == AZD else state.powershell
    with pytest.raises(ClientAuthenticationError, match=re.escape(message)) as failure:
        sdk.credential(credential).get_token(SCOPE)
    assert type(failure.value) is expected


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_the_chain_goes_on(azcred: Azcred, sdk: Sdk, state: State) -> None:
    """Inside the default chain a developer's tool never stops it: azd is asked after PowerShell, whatever happened."""
    azcred.environment("nothing")
    state.prepare(azcred, tool_of(azcred, POWERSHELL))
    application = principal_of(azcred.directory, identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    tool_of(azcred, AZD).sign_in(application)
    token = sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert verified(token.token, resource=VAULT, tenant=contoso.TENANT.id)["oid"] == application.object_id
    asked = [entry.provider for entry in azcred.journal.requests(operation="token")]
    assert asked[-1] == "azure-developer-cli"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (None, "Az.Account module >= 2.2.0 is not installed"),
        ("2.1.2", "Az.Account module >= 2.2.0 is not installed"),
        ("2.2.0", None),
        ("2.17.0", None),
        ("4.0.2", None),
        ("5.3.0", for_release([((1, 15), "a secure string"), ((1, 19), None)])),
    ],
)
def test_versions_of_the_powershell_module(azcred: Azcred, sdk: Sdk, module: str | None, expected: str | None) -> None:
    """Every version since 2.2 will do, but azure-identity before 1.19 takes the name of a class for a token."""
    azcred.environment("nothing")
    tool_of(azcred, POWERSHELL).sign_in(user_of(azcred.directory))
    azcred.executables.powershell.module_version = module
    credential = sdk.credential(POWERSHELL)
    if expected is None:
        assert verified(credential.get_token(SCOPE).token, resource=VAULT, tenant=contoso.TENANT.id)
    elif expected == "a secure string":
        assert credential.get_token(SCOPE).token == "System.Security.SecureString"
    else:
        with pytest.raises(CredentialUnavailableError, match=expected):
            credential.get_token(SCOPE)


def test_an_execution_policy(azcred: Azcred, sdk: Sdk) -> None:
    """It forbids to load the module."""
    azcred.environment("nothing")
    tool_of(azcred, POWERSHELL).sign_in(user_of(azcred.directory))
    azcred.executables.powershell.execution_policy = "Restricted"
    with pytest.raises(CredentialUnavailableError, match="Execution policy prevented invoking Azure PowerShell"):
        sdk.credential(POWERSHELL).get_token(SCOPE)


@pytest.mark.parametrize("version", ["1.0.0", "1.11.1", "1.20.2", "1.23.7", "1.29.0"])
def test_messages_of_azds_versions(azcred: Azcred, sdk: Sdk, version: str) -> None:
    """The cause is in the SDK's error; the oldest versions name none, but what to run."""
    azcred.environment("nothing")
    tool = tool_of(azcred, AZD)
    azcred.executables.azure_developer_cli.version = version
    tool.sign_in(user_of(azcred.directory))
    azcred.directory.replace(user_of(azcred.directory), tokens_valid_from=azcred.clock.now() + 1)
    cause = "reauthentication required, run `azd auth login" if version == "1.0.0" else "AADSTS50173"
    with pytest.raises(ClientAuthenticationError, match=cause) as failure:
        sdk.credential(AZD).get_token(SCOPE)
    assert type(failure.value) is ClientAuthenticationError


@pytest.mark.parametrize(
    ("credential", "error", "message"),
    [(POWERSHELL, *NOT_STARTED), (AZD, FAILED, "AADSTS90002: Tenant 'nowhere.com' not found")],
)
def test_a_wrong_tenant(azcred: Azcred, sdk: Sdk, credential: str, error: type[Exception], message: str) -> None:
    """The tenant reaches the tool, which does not know it."""
    azcred.environment("nothing")
    tool_of(azcred, credential).sign_in(user_of(azcred.directory))
    with pytest.raises(ClientAuthenticationError, match=re.escape(message)) as failure:
        sdk.credential(credential, tenant_id="nowhere.com").get_token(SCOPE)
    assert type(failure.value) is error


@pytest.mark.skipif(IDENTITY < (1, 25), reason="azure-identity before 1.25 passes no claims to tools")
@pytest.mark.parametrize(("version", "knows"), [("1.18.0", False), ("1.18.1", True)])
def test_a_claims_challenge_and_azd(azcred: Azcred, sdk: Sdk, version: str, knows: bool) -> None:
    """azd passes it on, if it is new enough, and a token from before does not do."""
    azcred.environment("nothing")
    tool_of(azcred, AZD).sign_in(user_of(azcred.directory))
    azcred.executables.azure_developer_cli.version = version
    credential = sdk.credential(AZD)
    first = credential.get_token(SCOPE).token
    challenge = f'{{"access_token":{{"nbf":{{"essential":true,"value":"{int(azcred.clock.now())}"}}}}}}'
    if knows:
        assert credential.get_token(SCOPE, claims=challenge).token != first
    else:
        with pytest.raises(CredentialUnavailableError, match=r"upgrade|update|version"):
            credential.get_token(SCOPE, claims=challenge)
    assert "--claims" in str(azcred.journal.requests(provider="azure-developer-cli")[-1].command)


@pytest.mark.parametrize(
    ("credential", "noise", "readable"),
    [
        (POWERSHELL, Noise(), True),
        (POWERSHELL, Noise(stdout="Welcome\n", stderr=""), True),
        (AZD, Noise(), True),
        (AZD, Noise(stdout="Welcome\n", stderr=""), False),
    ],
)
def test_noise(azcred: Azcred, sdk: Sdk, credential: str, noise: Noise, readable: bool) -> None:
    """What stands around the answer hurts only where the SDK reads standard output as a whole."""
    azcred.environment("nothing")
    tool = tool_of(azcred, credential)
    tool.sign_in(user_of(azcred.directory))
    tool.faults.add(noise)
    if readable:
        assert verified(sdk.credential(credential).get_token(SCOPE).token, resource=VAULT, tenant=contoso.TENANT.id)
    else:
        with pytest.raises(ClientAuthenticationError, match="Unexpected output"):
            sdk.credential(credential).get_token(SCOPE)


# In a process of its own, for azure-identity does not close the pipes of the tools that it kills.
PATIENCE = """
import asyncio, inspect, sys
from importlib import import_module

async def token(credential):
    result = credential.get_token(sys.argv[3])
    return await result if inspect.isawaitable(result) else result

try:
    asyncio.run(token(getattr(import_module(sys.argv[1]), sys.argv[2])(process_timeout=3)))
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("credential", [POWERSHELL, AZD])
@pytest.mark.parametrize("half", HALVES)
def test_a_tool_that_hangs(azcred: Azcred, credential: str, half: str) -> None:
    """The SDK gives up after its own timeout, and the tool counts as unavailable."""
    if (half, credential) == ("aio", POWERSHELL):
        pytest.skip("azure.identity.aio waits 10 seconds for PowerShell, whatever it is told")
    azcred.environment("nothing")
    tool_of(azcred, credential).faults.add(Hang())
    result = subprocess.run(
        [sys.executable, "-c", PATIENCE, HALVES[half], credential, SCOPE], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "CredentialUnavailableError"
