"""Faults as the documentation writes them, one fixture and two lines each."""

from __future__ import annotations

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AzureCliCredential, CredentialUnavailableError, DefaultAzureCredential

from azcred_emulators.faults import Gone, Hang, Refuse, Status
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"


def test_throttled_twice(fake_managed_identity: Place) -> None:
    """The app waits as it is told; the probe is the first to be throttled, and does not mind."""
    fake_managed_identity.faults.add(Status(429, retry_after=0.01), times=2)
    with DefaultAzureCredential() as credential:
        credential.get_token(SCOPE)
    assert fake_managed_identity.statuses == [429, 429, 200]


def test_gone_and_then_silent(fake_managed_identity: Place, azcred: Azcred) -> None:
    """An update of IMDS, and a connection that says nothing for a while."""
    azcred.clock.skip_waits()
    fake_managed_identity.faults.add(Gone(), Hang(0.05))
    with DefaultAzureCredential() as credential:
        credential.get_token(SCOPE)
    assert fake_managed_identity.statuses == [410, None, 200]


def test_a_wrong_secret(fake_service_principal: Place, azcred: Azcred) -> None:
    """The second provider must not be tried."""
    azcred.environment("virtual-machine")
    azcred.authority.faults.add(Refuse("AADSTS7000215"))
    with DefaultAzureCredential() as credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(SCOPE)
    azcred.journal.assert_providers("environment")
    azcred.journal.assert_requests(provider="managed-identity", times=0)


def test_az_hangs(fake_azure_cli: Place) -> None:
    """The same fault, of an executable."""
    fake_azure_cli.faults.add(Hang(), optional=True)
    with AzureCliCredential(process_timeout=1) as credential, pytest.raises(CredentialUnavailableError):
        credential.get_token(SCOPE)
