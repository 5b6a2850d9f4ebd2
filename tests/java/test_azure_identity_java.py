"""Unmodified azure-identity for Java against the fake tools, where nothing but loopback can be reached.

A tool that hangs is left out: this SDK reads to the end of the tool's output before it looks at the time.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.outcomes import CHALLENGE, TOKEN, check, needs_built, needs_namespaces

FOLDER = Path(__file__).parents[2] / ".stamps" / "java"
COMMAND = ("java", "-cp", f"{FOLDER / 'classes'}{os.pathsep}{FOLDER / 'lib' / '*'}", "Tokens")
FAILED = "ClientAuthenticationException"
UNAVAILABLE = "CredentialUnavailableException"
UNREADABLE = ("IllegalStateException", "")

pytestmark = [
    needs_namespaces,
    pytest.mark.skipif(not shutil.which("java"), reason="java is not installed"),
    needs_built(FOLDER / "classes", Path(__file__).parent, "test-java"),
]

ANYBODY = {"user": TOKEN, "service principal": TOKEN, "managed identity": TOKEN, "slow": TOKEN}


def test_azure_cli() -> None:
    """It reads standard error and standard output as one, so that a warning hurts."""
    expected = {
        **ANYBODY,
        "not installed": (UNAVAILABLE, "Azure CLI not installed."),
        "nobody signed in": (UNAVAILABLE, "Please run 'az login' to set up account."),
        "user disabled": (UNAVAILABLE, "Please run 'az login' to set up account."),
        "session expired": (UNAVAILABLE, "Please run 'az login' to set up account."),
        "sessions revoked": (UNAVAILABLE, "Please run 'az login' to set up account."),
        "crash": (FAILED, "Traceback"),
        "silence": (FAILED, "Failed to invoke Azure CLI"),
        "garbage": UNREADABLE,
        "noise": UNREADABLE,
        "noise on standard output": UNREADABLE,
    }
    check(COMMAND, "AzureCliCredential", expected)


def test_powershell() -> None:
    """What it cannot read makes it unavailable, whatever the reason."""
    unreadable = (UNAVAILABLE, "Encountered error when deserializing response from Azure Power Shell.")
    no_module = (UNAVAILABLE, "Az.Account module with version >= 2.2.0 is not installed.")
    expected = {
        **ANYBODY,
        "not installed": unreadable,
        "nobody signed in": (UNAVAILABLE, "Run Connect-AzAccount to login to Azure account in PowerShell."),
        "user disabled": unreadable,
        "session expired": unreadable,
        "sessions revoked": unreadable,
        "no module": no_module,
        "module too old": no_module,
        "module 2.2": TOKEN,
        "module 2.17": TOKEN,
        "module 4.0": TOKEN,
        "execution policy": unreadable,
        "crash": unreadable,
        "silence": (FAILED, "Azure Powershell authentication failed."),
        "garbage": unreadable,
        "noise": unreadable,
        "noise on standard output": unreadable,
    }
    check(COMMAND, "AzurePowerShellCredential", expected)


def test_azure_developer_cli() -> None:
    """Every advice to sign in makes it unavailable."""
    again = (UNAVAILABLE, "Please run 'azd auth login' to set up account.")
    expected = {
        **ANYBODY,
        "not installed": (UNAVAILABLE, "Azure Developer CLI not installed."),
        "nobody signed in": again,
        "user disabled": again,
        "session expired": again,
        "sessions revoked": again,
        "azd 1.11.0, user disabled": again,
        "azd 1.20.1, user disabled": again,
        "azd 1.23.6, user disabled": again,
        "azd 1.23.7, user disabled": again,
        "crash": (FAILED, "Traceback"),
        "silence": (FAILED, "Failed to invoke Azure Developer CLI"),
        "garbage": UNREADABLE,
        "noise": UNREADABLE,
        "noise on standard output": UNREADABLE,
    }
    check(COMMAND, "AzureDeveloperCliCredential", expected)


def test_a_claims_challenge() -> None:
    """azd gets it; one that does not know the flag is to be updated."""
    expected = {"user": TOKEN, "azd 1.18.0": (UNAVAILABLE, "Please update to azd CLI version 1.18.1 or higher")}
    check(COMMAND, "AzureDeveloperCliCredential", expected, claims=CHALLENGE)


def test_the_default_chain() -> None:
    """It gets to whichever tool is there."""
    check(COMMAND, "DefaultAzureCredential", {"user": TOKEN}, tools=("az", "pwsh", "azd"))


@pytest.mark.parametrize(
    ("credential", "error"),
    [
        ("AzureCliCredential", (FAILED, "AADSTS90002")),
        ("AzurePowerShellCredential", (UNAVAILABLE, "Encountered error when deserializing")),
        ("AzureDeveloperCliCredential", (UNAVAILABLE, "Please run 'azd auth login'")),
    ],
)
def test_a_wrong_tenant(credential: str, error: tuple[str, str]) -> None:
    """The tenant reaches the tool; whether the SDK tells what the tool says is another matter."""
    check(COMMAND, credential, {"user": error}, tenant_id="nowhere.com")
