"""Unmodified @azure/identity for Node.js against the fake tools, where nothing but loopback can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.developer_tools import TOOLS
from support.outcomes import CHALLENGE, TOKEN, check, needs_namespaces

PROGRAM = Path(__file__).with_name("tools.cjs")
UNAVAILABLE = "CredentialUnavailableError"  # this SDK has no other error for developer tools
COMMAND = ("node", PROGRAM)

pytestmark = needs_namespaces

ANYBODY = {"user": TOKEN, "service principal": TOKEN, "managed identity": TOKEN, "slow": TOKEN}


def test_azure_cli() -> None:
    """Any advice on standard error to run `az login` is taken for nobody being signed in, whatever the reason."""
    log_in = (UNAVAILABLE, "Please run 'az login' from a command prompt to authenticate")
    unreadable = (UNAVAILABLE, "JSON")
    expected = {
        **ANYBODY,
        "not installed": (UNAVAILABLE, "Azure CLI could not be found."),
        "nobody signed in": log_in,
        "user disabled": log_in,
        "session expired": log_in,
        "sessions revoked": log_in,
        "crash": (UNAVAILABLE, "Traceback"),
        "silence": unreadable,
        "garbage": unreadable,
        "noise": TOKEN,
        "noise on standard output": unreadable,
        "hang": unreadable,
    }
    check(COMMAND, "AzureCliCredential", expected, options={"processTimeoutInMs": 1500})


def test_powershell() -> None:
    """It calls PowerShell once to see whether it is there, and takes anything on standard error for a failure."""
    not_there = (UNAVAILABLE, "Unable to execute PowerShell.")
    no_module = (UNAVAILABLE, "The 'Az.Account' module >= 2.2.0 is not installed.")
    refused = (UNAVAILABLE, "User interaction is required.")
    expected = {
        **ANYBODY,
        "not installed": not_there,
        "nobody signed in": (UNAVAILABLE, "Please run 'Connect-AzAccount' from PowerShell"),
        "user disabled": refused,
        "session expired": refused,
        "sessions revoked": refused,
        "no module": no_module,
        "module too old": no_module,
        "module 2.2": TOKEN,
        "module 2.17": TOKEN,
        "module 4.0": TOKEN,
        "execution policy": (UNAVAILABLE, "AuthorizationManager check failed."),
        "crash": not_there,
        "silence": not_there,
        "garbage": (UNAVAILABLE, "No access token found in the output."),
        "noise": not_there,
        "noise on standard output": TOKEN,
        "hang": not_there,
    }
    check(COMMAND, "AzurePowerShellCredential", expected, options={"processTimeoutInMs": 1500})


def test_azure_developer_cli() -> None:
    """It finds a missing sign-in in every version's messages."""
    again = (UNAVAILABLE, "please run the following command: azd auth login --scope")
    unreadable = (UNAVAILABLE, "JSON")
    expected = {
        **ANYBODY,
        "not installed": (UNAVAILABLE, "Azure Developer CLI couldn't be found."),
        "nobody signed in": (UNAVAILABLE, "Please run 'azd auth login'"),
        "user disabled": again,
        "session expired": (UNAVAILABLE, "AADSTS700082"),
        "sessions revoked": again,
        "azd 1.11.0, user disabled": again,
        "azd 1.20.1, user disabled": again,
        "azd 1.23.6, user disabled": again,
        "azd 1.23.7, user disabled": again,
        "crash": (UNAVAILABLE, "Traceback"),
        "silence": unreadable,
        "garbage": unreadable,
        "noise": TOKEN,
        "noise on standard output": unreadable,
        "hang": unreadable,
    }
    check(COMMAND, "AzureDeveloperCliCredential", expected, options={"processTimeoutInMs": 1500})


def test_the_default_chain() -> None:
    """It gets to whichever tool is there."""
    check(COMMAND, "DefaultAzureCredential", {"user": TOKEN}, tools=("az", "pwsh", "azd"))


def test_a_claims_challenge() -> None:
    """azd gets it, and says so if it is too old for it."""
    expected = {"user": TOKEN, "azd 1.18.0": (UNAVAILABLE, "unknown flag: --claims")}
    check(COMMAND, "AzureDeveloperCliCredential", expected, claims=CHALLENGE)


@pytest.mark.parametrize("credential", TOOLS)
def test_a_wrong_tenant(credential: str) -> None:
    """The tenant reaches the tool, and the tool's answer the app."""
    expected = {"user": (UNAVAILABLE, "AADSTS90002: Tenant 'nowhere.com' not found.")}
    check(COMMAND, credential, expected, options={"tenantId": "nowhere.com"})
