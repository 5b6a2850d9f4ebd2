"""Unmodified azidentity for Go against the fake tools, where nothing but loopback can be reached."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.developer_tools import TOOLS
from support.outcomes import CHALLENGE, TOKEN, check, needs_built, needs_namespaces

PROGRAM = Path(__file__).parents[2] / ".stamps" / "go" / "token"
FAILED = "*azidentity.AuthenticationFailedError"
UNAVAILABLE = "*azidentity.credentialUnavailableError"
UNREADABLE = ("*json.SyntaxError", "invalid character")

pytestmark = [
    needs_namespaces,
    pytest.mark.skipif(not shutil.which("go"), reason="go is not installed"),
    needs_built(PROGRAM, Path(__file__).parent, "test-go"),
]

ANYBODY = {"user": TOKEN, "service principal": TOKEN, "managed identity": TOKEN, "slow": TOKEN}
FAULTS = {
    "not installed": (UNAVAILABLE, "executable not found on path"),
    "crash": (FAILED, "Traceback"),
    "silence": (FAILED, "exit status 3"),
    "garbage": UNREADABLE,
    "noise": TOKEN,
    "noise on standard output": UNREADABLE,
    "hang": (FAILED, "signal: killed"),
}


def test_azure_cli() -> None:
    """Only a missing executable is unavailable; whatever else the tool says is a failure."""
    expected = {
        **ANYBODY,
        **FAULTS,
        "nobody signed in": (FAILED, "Please run 'az login' to setup account."),
        "user disabled": (FAILED, "AADSTS50057"),
        "session expired": (FAILED, "AADSTS700082"),
        "sessions revoked": (FAILED, "AADSTS50173"),
    }
    check([PROGRAM], "AzureCliCredential", expected, timeout=1.5)


def test_powershell() -> None:
    """It reads two messages, and takes everything in which Connect-AzAccount occurs for the one."""
    connect = (FAILED, 'Please run "Connect-AzAccount" to set up an account')
    no_module = (FAILED, "Az.Accounts module not found")
    expected = {
        **ANYBODY,
        **FAULTS,
        "nobody signed in": connect,
        "user disabled": connect,
        "session expired": connect,
        "sessions revoked": connect,
        "no module": no_module,
        "module too old": no_module,
        "module 2.2": TOKEN,
        "module 2.17": TOKEN,
        "module 4.0": TOKEN,
        "execution policy": (FAILED, "AuthorizationManager check failed."),
    }
    check([PROGRAM], "AzurePowerShellCredential", expected, timeout=1.5)


def test_azure_developer_cli() -> None:
    """It finds the error in the messages of every version."""
    expected = {
        **ANYBODY,
        **FAULTS,
        "nobody signed in": (FAILED, "CLICredential: ERROR: not logged in, run `azd auth login` to login"),
        "user disabled": (FAILED, "CLICredential: fetching token: AADSTS50057"),
        "session expired": (FAILED, "CLICredential: fetching token: AADSTS700082"),
        "sessions revoked": (FAILED, "CLICredential: fetching token: AADSTS50173"),
        "azd 1.11.0, user disabled": (FAILED, "reauthentication required, run `azd auth login --scope"),
        "azd 1.20.1, user disabled": (FAILED, "CLICredential: ERROR: fetching token: AADSTS50057"),
        "azd 1.23.6, user disabled": (FAILED, "CLICredential: ERROR: fetching token: AADSTS50057"),
        "azd 1.23.7, user disabled": (FAILED, "CLICredential: fetching token: AADSTS50057"),
    }
    check([PROGRAM], "AzureDeveloperCliCredential", expected, timeout=1.5)


def test_a_claims_challenge() -> None:
    """azd gets it; one that does not know the flag is to be updated."""
    expected = {"user": TOKEN, "azd 1.18.0": (FAILED, "Upgrade to version 1.18.1 or later")}
    check([PROGRAM], "AzureDeveloperCliCredential", expected, claims=CHALLENGE)


def test_the_default_chain() -> None:
    """It gets to whichever tool is there."""
    check([PROGRAM], "DefaultAzureCredential", {"user": TOKEN}, tools=("az", "pwsh", "azd"))


def test_the_default_chain_goes_on() -> None:
    """Inside it a failure of a tool is none: the chain's own error lists all."""
    expected = {
        "crash": ("*azidentity.credentialUnavailableError", "AzurePowerShellCredential: executable not found on path")
    }
    check([PROGRAM], "DefaultAzureCredential", expected, tools=("az",))


@pytest.mark.parametrize("credential", TOOLS)
def test_a_wrong_tenant(credential: str) -> None:
    """The tenant reaches the tool, and the tool's answer the app."""
    check(
        [PROGRAM],
        credential,
        {"user": (FAILED, "AADSTS90002: Tenant 'nowhere.com' not found.")},
        tenant_id="nowhere.com",
    )
