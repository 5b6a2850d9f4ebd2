"""What became of a provider's requests, judged by what the emulators saw of real clients."""

import subprocess
from contextlib import suppress

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    InteractiveBrowserCredential,
)

from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.faults import (
    CaptivePortal,
    Crash,
    Exit,
    ExpiredToken,
    Garbage,
    Gone,
    Hang,
    IdentityNotFound,
    Noise,
    NotJson,
    Refuse,
    Reset,
    Slow,
    Status,
    Throttle,
    Truncate,
    WrongResource,
)
from pytest_azcred.azcred import Azcred
from pytest_azcred.coverage.outcomes import CELLS, OUTCOMES, PROVIDERS, judge
from pytest_azcred.place import Place

VAULT = "https://vault.azure.net/.default"
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"


def ask_imds(patience: float = 100) -> None:
    """Ask once, as a client that gives up after so many seconds and never repeats itself."""
    with suppress(requests.RequestException):
        requests.get(IMDS, headers={"Metadata": "true"}, timeout=patience)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (IdentityNotFound(), "unavailable"),
        (Gone(), "unavailable"),
        (Status(500), "unavailable"),
        (Reset(), "unavailable"),
        (Status(403), "denied"),
        (Throttle(), "throttled"),
        (Status(429), "throttled"),
        (Hang(), "timed out"),
        (Hang(in_body=True), "timed out"),
        (Slow(60), "timed out"),
        (Slow(0.01), "token"),
        (NotJson(), "malformed"),
        (Truncate(), "malformed"),
        (CaptivePortal(), "malformed"),
        (WrongResource(), "malformed"),
        (Status(200), "malformed"),
        (ExpiredToken(), "expired"),
    ],
    ids=repr,
)
def test_faults_of_a_host(fake_managed_identity: Place, azcred: Azcred, fault: RequestFault, outcome: str) -> None:
    """Each counts as what it does to the client, and an ordinary answer that follows as a token."""
    fake_managed_identity.faults.add(fault)
    ask_imds(patience=1 if outcome == "timed out" else 100)
    assert list(judge(azcred.journal.requests())) == [("managed-identity", outcome)]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Refuse("AADSTS7000215"), "denied"),
        (Refuse("AADSTS7000222"), "expired"),
        (Refuse("AADSTS90055"), "throttled"),
        (Throttle(retry_after=0), "throttled"),
    ],
    ids=repr,
)
def test_refusals_of_the_token_service(
    fake_service_principal: Place, azcred: Azcred, fault: RequestFault, outcome: str
) -> None:
    """Age and throttling are told from other refusals by the code."""
    fake_service_principal.faults.add(fault)
    with suppress(ClientAuthenticationError), DefaultAzureCredential(retry_total=0) as credential:
        credential.get_token(VAULT)
    assert next(judge(azcred.journal.requests())) == ("environment", outcome)


def test_a_wrong_secret(azcred: Azcred, fake_service_principal: Place) -> None:
    """The directory's own refusals count as those that a fault makes up."""
    identity = fake_service_principal.identity
    credential = ClientSecretCredential(identity.tenant_id, identity.client_id, "wrong")
    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(VAULT)
    assert list(judge(azcred.journal.requests())) == [("environment", "denied")]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Exit(1, stderr="ERROR: Please run 'az login'"), "unavailable"),
        (Crash(), "unavailable"),
        (Garbage(), "malformed"),
        (Noise(), "token"),
        (None, "token"),
    ],
    ids=repr,
)
def test_faults_of_a_tool(fake_azure_cli: Place, azcred: Azcred, fault: Exit, outcome: str) -> None:
    """A tool that cannot help is unavailable, whatever it prints."""
    if fault:
        fake_azure_cli.faults.add(fault)
    with suppress(ClientAuthenticationError, CredentialUnavailableError):
        AzureCliCredential().get_token(VAULT)
    assert list(judge(azcred.journal.requests())) == [("azure-cli", outcome)]


def test_a_tool_that_hangs(fake_azure_cli: Place, azcred: Azcred) -> None:
    """The caller kills it."""
    fake_azure_cli.faults.add(Hang())
    with pytest.raises(CredentialUnavailableError):
        AzureCliCredential(process_timeout=3).get_token(VAULT)
    assert list(judge(azcred.journal.requests())) == [("azure-cli", "timed out")]


def test_a_tool_without_an_account(azcred: Azcred) -> None:
    """Nobody is signed in to the fake az until a place says so."""
    azcred.install("az")
    subprocess.run(["az", "account", "get-access-token"], capture_output=True, check=False)
    assert list(judge(azcred.journal.requests())) == [("azure-cli", "unavailable")]


def test_a_refresh(fake_workload_identity: Place, azcred: Azcred) -> None:
    """A second token of the same kind; one for another resource is no refresh."""
    with DefaultAzureCredential() as credential:
        credential.get_token(VAULT)
        credential.get_token("https://storage.azure.com/.default")
        azcred.clock.advance(hours=25)
        credential.get_token(VAULT)
    assert list(judge(azcred.journal.requests())) == [
        ("workload-identity", "token"),
        ("workload-identity", "token"),
        ("workload-identity", "refresh"),
    ]


def test_a_refresh_token(fake_browser: object, azcred: Azcred) -> None:
    """What the browser brought is renewed without it."""
    with InteractiveBrowserCredential() as credential:
        credential.get_token(VAULT)
        azcred.clock.advance(hours=25)
        credential.get_token(VAULT)
    assert list(judge(azcred.journal.requests())) == [
        ("interactive-browser", "token"),
        ("interactive-browser", "refresh"),
    ]


def test_falling_back(azcred: Azcred) -> None:
    """The provider that got none has fallen back, not the one that got the token instead."""
    machine = azcred.environment("virtual-machine")
    machine.faults.add(IdentityNotFound(), times=2)  # the probe and the request
    azcred.environment("developer-azure-cli")
    with DefaultAzureCredential() as credential:
        credential.get_token(VAULT)
    assert list(judge(azcred.journal.requests())) == [
        ("managed-identity", "unavailable"),
        ("managed-identity", "unavailable"),
        ("azure-cli", "token"),
        ("managed-identity", "fell back"),
    ]


def test_one_that_recovers_has_not_fallen_back(fake_managed_identity: Place, azcred: Azcred) -> None:
    """The same provider got the next token."""
    fake_managed_identity.faults.add(Throttle())
    ask_imds()
    ask_imds()
    assert list(judge(azcred.journal.requests())) == [("managed-identity", "throttled"), ("managed-identity", "token")]


def test_what_is_no_request_for_a_token(fake_managed_identity: Place, azcred: Azcred) -> None:
    """Probes and discovery documents say nothing of a provider."""
    requests.get(IMDS, timeout=5)
    requests.get("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", timeout=5)
    assert len(azcred.journal.requests()) == 2
    assert list(judge(azcred.journal.requests())) == []


def test_the_table_is_whole() -> None:
    """Each provider with each outcome, but for those that cannot be."""
    impossible = sum(len(outcome.impossible) for outcome in OUTCOMES)
    assert len(CELLS) == len(PROVIDERS) * len(OUTCOMES) - impossible
    assert [outcome.name for outcome in OUTCOMES] == [
        "token", "refresh", "unavailable", "denied", "throttled", "timed out", "malformed", "expired", "fell back",
    ]  # fmt: skip
