"""Executables in the fixture `azcred`: on PATH for the app of one test, and what the app's SDK makes of them."""

from __future__ import annotations

import os
import shutil

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AzureCliCredential, CredentialUnavailableError

from azcred_emulators.directory import identifiers
from azcred_emulators.faults import Garbage
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net/.default"


def test_the_real_credential_gets_the_users_token(azcred: Azcred) -> None:
    """azure-identity finds the fake on PATH, and the token is one that acts for the user."""
    azcred.install("az")
    user = azcred.directory.users()[0]
    azcred.executables.azure_cli.sign_in(user)
    token = AzureCliCredential().get_token(VAULT).token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["upn"], claims["appid"]) == (user.principal_name, identifiers.AZURE_CLI_CLIENT_ID)
    azcred.journal.assert_tokens(provider="azure-cli", resource="https://vault.azure.net", times=1)


def test_tokens_follow_the_clock(azcred: Azcred) -> None:
    """A day later the tool gets a new token, which is valid a day longer."""
    azcred.install("az")
    azcred.executables.azure_cli.sign_in(azcred.directory.users()[0])
    first = AzureCliCredential().get_token(VAULT)
    azcred.clock.advance(days=1)
    second = AzureCliCredential().get_token(VAULT)
    assert second.expires_on - first.expires_on >= 86400 - 10


def test_not_installed(azcred: Azcred) -> None:
    """A test that installs nothing has no `az`, whatever is on this machine."""
    assert shutil.which("az") is None
    with pytest.raises(CredentialUnavailableError, match="Azure CLI not found on path"):
        AzureCliCredential().get_token(VAULT)


def test_nobody_signed_in(azcred: Azcred) -> None:
    """The SDK tells what to do."""
    azcred.install("az")
    with pytest.raises(CredentialUnavailableError, match="Please run 'az login' to set up an account"):
        AzureCliCredential().get_token(VAULT)


def test_a_fault(azcred: Azcred) -> None:
    """Unreadable output fails the credential; it does not make it unavailable."""
    azcred.install("az")
    azcred.executables.azure_cli.faults.add(Garbage())
    with pytest.raises(ClientAuthenticationError, match="Unexpected output from Azure CLI"):
        AzureCliCredential().get_token(VAULT)


def test_path_has_the_folder_once(azcred: Azcred) -> None:
    """However often tools are installed, PATH grows by one entry."""
    before = os.environ["PATH"]
    azcred.install("az")
    azcred.install("az")
    folder, _, rest = os.environ["PATH"].partition(os.pathsep)
    assert rest == before
    assert os.listdir(folder)


UNSPENT = """
from azcred_emulators.faults import Garbage

def test_app(azcred):
    azcred.install("az")
    azcred.executables.azure_cli.faults.add(Garbage())
"""


def test_a_fault_that_no_call_meets(pytester: pytest.Pytester) -> None:
    """It is reported like those of the other emulators: the app did not do what the test is about."""
    pytester.makepyfile(UNSPENT)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*1 of 1 faults for 'azure-cli' was never reached: Garbage(*"])
