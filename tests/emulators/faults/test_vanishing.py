"""Providers that vanish or appear while the app runs, as azure-identity takes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from support.sdk import HALVES, Sdk

from azcred_emulators.directory import Application, ClientSecret, ManagedIdentity, identifiers
from azcred_emulators.faults import Gone, Refuse, RefusedPort
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
OTHER = "https://storage.azure.com/.default"


@pytest.fixture(params=list(HALVES))
def sdk(request: pytest.FixtureRequest) -> Iterator[Sdk]:
    """azure-identity, sync and async in turn."""
    half = Sdk(request.param)
    yield half
    half.close()


def test_a_secret_is_rotated(azcred: Azcred, sdk: Sdk, fake_service_principal: Place) -> None:
    """The app lives on with its cached token, fails with the next, and starts again with the new secret."""
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    application = fake_service_principal.identity
    assert isinstance(application, Application)
    azcred.directory.replace(application, secrets=(ClientSecret("rotated"),))
    assert credential.get_token(SCOPE).token == first.token
    azcred.clock.until_expiry_of(first)
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(SCOPE)
    os.environ["AZURE_CLIENT_SECRET"] = "rotated"
    assert sdk.credential("DefaultAzureCredential").get_token(SCOPE).token
    assert fake_service_principal.statuses == [200, 401, 200]


def test_an_identity_is_unassigned_and_comes_back(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """IMDS has no identity for a while; the chain has chosen it and does not look elsewhere."""
    credential = sdk.credential("DefaultAzureCredential")
    credential.get_token(SCOPE)
    identity = fake_managed_identity.identity
    assert isinstance(identity, ManagedIdentity)
    azcred.directory.unassign("imds", identity)
    azcred.environment("developer-azure-cli")
    with pytest.raises(CredentialUnavailableError):
        credential.get_token(OTHER)
    azcred.directory.assign("imds", identity)
    assert credential.get_token(OTHER).token
    azcred.journal.assert_requests(provider="azure-cli", times=0)


def test_a_token_file_is_rewritten(azcred: Azcred, sdk: Sdk, fake_workload_identity: Place) -> None:
    """The new one is read when the old one's ten minutes are over."""
    credential = sdk.credential("DefaultAzureCredential")
    credential.get_token(SCOPE)
    file = Path(os.environ["AZURE_FEDERATED_TOKEN_FILE"])
    file.write_text(azcred.issuers.get(identifiers.CLUSTER_ISSUER).assertion("system:serviceaccount:default:other"))
    credential.get_token(OTHER)
    azcred.clock.advance(minutes=11)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        credential.get_token("https://graph.microsoft.com/.default")
    assert [status == 200 for status in fake_workload_identity.statuses] == [True, True, False]


def test_a_token_file_is_removed(azcred: Azcred, sdk: Sdk, fake_workload_identity: Place) -> None:
    """What was read from it lasts ten minutes."""
    credential = sdk.credential("WorkloadIdentityCredential")
    credential.get_token(SCOPE)
    Path(os.environ["AZURE_FEDERATED_TOKEN_FILE"]).unlink()
    assert credential.get_token(OTHER).token
    azcred.clock.advance(minutes=11)
    with pytest.raises(FileNotFoundError):
        credential.get_token("https://graph.microsoft.com/.default")
    assert fake_workload_identity.statuses == [200, 200]


def test_az_logout_and_login(azcred: Azcred, sdk: Sdk) -> None:
    """az is asked every time, so the app notices at once."""
    place = azcred.environment("developer-azure-cli")
    credential = sdk.credential("AzureCliCredential", process_timeout=100)
    assert credential.get_token(SCOPE).token
    azcred.executables.azure_cli.sign_out()
    with pytest.raises(CredentialUnavailableError, match="az login"):
        credential.get_token(SCOPE)
    azcred.executables.azure_cli.sign_in(place.user)
    assert credential.get_token(SCOPE).token
    assert [entry.exit_code for entry in place.requests()] == [0, 1, 0]


def test_az_is_uninstalled_and_installed(azcred: Azcred, sdk: Sdk) -> None:
    """A tool that appears on PATH is found by the next call."""
    azcred.environment("developer-azure-cli")
    credential = sdk.credential("AzureCliCredential", process_timeout=100)
    azcred.uninstall("az")
    with pytest.raises(CredentialUnavailableError, match="Azure CLI not found"):
        credential.get_token(SCOPE)
    azcred.install("az")
    assert credential.get_token(SCOPE).token


def test_a_machine_whose_network_comes_up_late(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """A probe that cannot connect is made again by the next call."""
    credential = sdk.credential("DefaultAzureCredential")
    fake_managed_identity.faults.add(RefusedPort())
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(SCOPE)
    assert credential.get_token(SCOPE).token
    assert [entry.operation for entry in fake_managed_identity.requests()] == ["connection", "probe", "token"]


def test_a_place_that_is_left(azcred: Azcred, sdk: Sdk) -> None:
    """The machine's identity goes, the secret in the variables stays; a new credential finds what there is."""
    azcred.environment("on-premises-secret")
    with azcred.environment("virtual-machine"):
        assert sdk.credential("ManagedIdentityCredential").get_token(SCOPE).token
    with pytest.raises(CredentialUnavailableError):
        sdk.credential("ManagedIdentityCredential", retry_total=0).get_token(SCOPE)
    assert sdk.credential("DefaultAzureCredential").get_token(SCOPE).token
    azcred.journal.assert_tokens(provider="environment", times=1)


def test_a_refusal_in_the_middle_of_a_job(azcred: Azcred, sdk: Sdk, fake_service_principal: Place) -> None:
    """Two lines for an expiry, two for a refusal: exact, and in no time."""
    azcred.clock.skip_waits()
    credential = sdk.credential("DefaultAzureCredential")
    token = credential.get_token(SCOPE)
    azcred.clock.until_expiry_of(token)
    azcred.authority.faults.add(Refuse("AADSTS7000222"))
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000222"):
        credential.get_token(SCOPE)
    assert credential.get_token(SCOPE).token != token.token


def test_throttled_then_gone_then_there(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """The journal tells the whole story, with when each try came."""
    azcred.clock.skip_waits()
    fake_managed_identity.faults.add(Gone(), times=3, operation="token")
    sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    azcred.journal.assert_providers("managed-identity")
    azcred.journal.assert_tokens(times=1)
    times = [entry.at - fake_managed_identity.requests()[0].at for entry in fake_managed_identity.requests()]
    assert times == pytest.approx([0, 0, 0, 5, 15], abs=3)
