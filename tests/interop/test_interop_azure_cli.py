"""Unmodified AzureCliCredential of azure-identity against the fake `az`, in every state that it can be in."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AzureCliCredential, CredentialUnavailableError
from support.published import verified
from support.sdk import HALVES, IDENTITY, Sdk

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import (
    Application,
    ClientSecret,
    ConditionalAccessPolicy,
    ManagedIdentity,
    Subscription,
    Tenant,
    User,
    contoso,
    identifiers,
)
from azcred_emulators.emulation.command import CommandFault
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.executables.token_client import TokenError, TokenServiceFailed
from azcred_emulators.faults import Crash, Exit, Garbage, Hang, Noise, Slow
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id
OTHER = Tenant("99999999-9999-4999-8999-999999999999", ("fabrikam.com",), "Fabrikam")
CREDENTIAL = "AzureCliCredential"
UNAVAILABLE, FAILED = CredentialUnavailableError, ClientAuthenticationError
NOT_LOGGED_IN = (UNAVAILABLE, "Please run 'az login' to set up an account")


@pytest.fixture
def az(azcred: Azcred) -> AzureCli:
    """The fake `az`, on PATH, with nobody signed in."""
    azcred.environment("nothing")
    azcred.install("az")
    return azcred.executables.azure_cli


def user_of(azcred: Azcred) -> User:
    """Return the user of the directory that a run starts with."""
    user = azcred.directory.user(identifiers.USER_PRINCIPAL_NAME)
    assert user
    return user


def principal_of(azcred: Azcred, client_id: str) -> Application | ManagedIdentity:
    """Return an application or a managed identity of the directory."""
    principal = azcred.directory.principal(client_id)
    assert principal
    return principal


@pytest.mark.parametrize(
    "client_id", [None, identifiers.SERVICE_PRINCIPAL_CLIENT_ID, identifiers.VIRTUAL_MACHINE_CLIENT_ID]
)
def test_whoever_is_signed_in(azcred: Azcred, az: AzureCli, sdk: Sdk, client_id: str | None) -> None:
    """The token is the user's, the service principal's or the managed identity's, and verifies."""
    who = principal_of(azcred, client_id) if client_id else user_of(azcred)
    az.sign_in(who)
    token = sdk.credential(CREDENTIAL).get_token(SCOPE)
    claims = verified(token.token, resource=VAULT, tenant=TENANT)
    assert claims["oid"] == who.object_id
    assert abs(token.expires_on - claims["exp"]) <= 1
    azcred.journal.assert_tokens(provider="azure-cli", resource=VAULT, times=1)


def test_the_default_chain_gets_to_it(azcred: Azcred, az: AzureCli, sdk: Sdk) -> None:
    """What comes before it in the chain is not there."""
    az.sign_in(user_of(azcred))
    token = sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert verified(token.token, resource=VAULT, tenant=TENANT)["upn"] == identifiers.USER_PRINCIPAL_NAME
    assert [entry.provider for entry in azcred.journal.requests(operation="token")] == ["azure-cli"]


@dataclass(frozen=True)
class State:
    """A state of `az`: how it comes about, and what the credential makes of it on its own."""

    name: str
    prepare: Callable[[Azcred, AzureCli], object]
    error: type[Exception]
    message: str


def signed_in(change: Callable[[Azcred, AzureCli], object]) -> Callable[[Azcred, AzureCli], object]:
    """Sign the user in and let something go wrong then."""

    def prepare(azcred: Azcred, az: AzureCli) -> None:
        az.sign_in(user_of(azcred))
        change(azcred, az)

    return prepare


def with_expired_secret(azcred: Azcred, az: AzureCli) -> None:
    """Sign an application in whose secret expires then."""
    application = principal_of(azcred, identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(application, Application)
    az.sign_in(application)
    secret = ClientSecret(application.secrets[-1].value, expires=azcred.clock.now() - 1)
    azcred.directory.replace(application, secrets=(secret,))


def without_identity(azcred: Azcred, az: AzureCli) -> None:
    """Sign the machine's managed identity in and take it from the machine then."""
    identity = principal_of(azcred, identifiers.VIRTUAL_MACHINE_CLIENT_ID)
    assert isinstance(identity, ManagedIdentity)
    az.sign_in(identity)
    azcred.directory.remove(identity)


def with_policy(azcred: Azcred, _: AzureCli) -> None:
    """Block the user from the vault."""
    azcred.directory.add(
        ConditionalAccessPolicy(
            name="no vaults", tenant_id=TENANT, include_applications=(VAULT,), built_in_controls=("block",)
        )
    )


def refusing(error: TokenError) -> Callable[[Azcred, AzureCli], object]:
    """Sign the user in and let the token service refuse then."""
    return signed_in(lambda _, az: az.token_errors.add(error))


def fault(kind: CommandFault) -> Callable[[Azcred, AzureCli], object]:
    """Sign the user in and let something go wrong with the tool then."""
    return signed_in(lambda _, az: az.faults.add(kind))


def revoke(azcred: Azcred, _: AzureCli) -> None:
    """End the user's sessions."""
    azcred.directory.replace(user_of(azcred), tokens_valid_from=azcred.clock.now() + 1)


def disable(azcred: Azcred, _: AzureCli) -> None:
    """Disable the user."""
    azcred.directory.replace(user_of(azcred), enabled=False)


STATES = [
    State("not installed", lambda azcred, _: azcred.uninstall("az"), UNAVAILABLE, "CLI not found on path"),
    State("nobody signed in", lambda _azcred, _az: None, *NOT_LOGGED_IN),
    State("session revoked", signed_in(revoke), FAILED, "AADSTS50173"),
    State("session expired", signed_in(lambda azcred, _: azcred.clock.advance(days=91)), FAILED, "AADSTS700082"),
    State("user disabled", signed_in(disable), FAILED, "AADSTS50057"),
    State("blocked by policy", signed_in(with_policy), FAILED, "AADSTS53003"),
    State("more wanted of the user", refusing(EntraError(50076, resource=VAULT)), FAILED, "AADSTS50076"),
    State("secret expired", with_expired_secret, FAILED, "AADSTS7000222"),
    State("managed identity gone", without_identity, *NOT_LOGGED_IN),  # az advises to run `az login`
    State("token service down", refusing(TokenServiceFailed(503)), FAILED, "HTTP Error: 503"),
    State("crash", fault(Crash()), FAILED, "Traceback"),
    State("silent failure", fault(Exit(3)), FAILED, "Failed to invoke Azure CLI"),
    State("garbage", fault(Garbage()), FAILED, "Unexpected output from Azure CLI"),
    State("nothing printed", fault(Exit(0)), FAILED, "Unexpected output from Azure CLI"),
    State("noise before the answer", fault(Noise("Activating...\n")), FAILED, "Unexpected output from Azure CLI"),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_the_credential_on_its_own(azcred: Azcred, az: AzureCli, sdk: Sdk, state: State) -> None:
    """Each state has the class of error and the message that the SDK has for it."""
    state.prepare(azcred, az)
    with pytest.raises(ClientAuthenticationError, match=re.escape(state.message)) as failure:
        sdk.credential(CREDENTIAL).get_token(SCOPE)
    assert type(failure.value) is state.error


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_the_chain_goes_on(azcred: Azcred, az: AzureCli, sdk: Sdk, state: State) -> None:
    """Inside the default chain a developer's tool never stops it: azd is asked at last, whatever happened."""
    azcred.install("azd")
    other = azcred.directory.add(Application(name="other", tenant_id=TENANT, secrets=(ClientSecret("s"),)))
    state.prepare(azcred, az)
    azcred.executables.azure_developer_cli.sign_in(other)
    token = sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert verified(token.token, resource=VAULT, tenant=TENANT)["oid"] == other.object_id
    asked = [entry.provider for entry in azcred.journal.requests(operation="token")]
    assert asked[-1] == "azure-developer-cli"


@pytest.mark.parametrize("tenant", [TENANT, "contoso.com", "fabrikam.com"])
def test_a_tenant(azcred: Azcred, az: AzureCli, sdk: Sdk, tenant: str) -> None:
    """It reaches the tool, which gets the user's token from there."""
    azcred.directory.add(OTHER)
    user = azcred.directory.replace(user_of(azcred), guest_in=(OTHER.id,))
    az.sign_in(user)
    token = sdk.credential(CREDENTIAL, tenant_id=tenant).get_token(SCOPE)
    wanted = OTHER.id if tenant == "fabrikam.com" else TENANT
    assert verified(token.token, resource=VAULT, tenant=wanted)["oid"] == user.object_id
    assert f"--tenant {tenant}" in str(azcred.journal.requests(provider="azure-cli")[-1].command)


def test_a_wrong_tenant(azcred: Azcred, az: AzureCli, sdk: Sdk) -> None:
    """One that does not exist, and one that the user is not in."""
    az.sign_in(user_of(azcred))
    with pytest.raises(ClientAuthenticationError, match="Unable to get authority configuration"):
        sdk.credential(CREDENTIAL, tenant_id="fabrikam.com").get_token(SCOPE)
    azcred.directory.add(OTHER)
    with pytest.raises(ClientAuthenticationError, match="AADSTS50020"):
        sdk.credential(CREDENTIAL, tenant_id="fabrikam.com").get_token(SCOPE)


@pytest.mark.skipif(
    "subscription" not in signature(AzureCliCredential).parameters,
    reason="older releases of azure-identity pass no subscription to az",
)
def test_a_subscription(azcred: Azcred, az: AzureCli, sdk: Sdk) -> None:
    """It chooses among the accounts that are signed in; one that is not there is an error."""
    application = principal_of(azcred, identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    azcred.directory.add(Subscription(name="Ours", tenant_id=TENANT, readers=(application.object_id,)))
    azcred.directory.replace(contoso.SUBSCRIPTION, readers=(user_of(azcred).object_id,))
    az.sign_in(user_of(azcred))
    az.sign_in(application)
    for name, who in (("Emulated Subscription", user_of(azcred)), ("Ours", application)):
        token = sdk.credential(CREDENTIAL, subscription=name).get_token(SCOPE)
        assert verified(token.token, resource=VAULT, tenant=TENANT)["oid"] == who.object_id
    with pytest.raises(ClientAuthenticationError, match="Subscription 'Theirs' not found"):
        sdk.credential(CREDENTIAL, subscription="Theirs").get_token(SCOPE)


@pytest.mark.skipif(IDENTITY < (1, 25), reason="azure-identity before 1.25 leaves claims challenges out")
def test_a_claims_challenge(azcred: Azcred, az: AzureCli, sdk: Sdk) -> None:
    """The SDK does not call az for one, but tells the person how to sign in with it."""
    az.sign_in(user_of(azcred))
    with pytest.raises(CredentialUnavailableError, match="az login --claims-challenge"):
        sdk.credential(CREDENTIAL).get_token(SCOPE, claims='{"access_token":{"nbf":{"value":"1"}}}')
    assert azcred.journal.requests(provider="azure-cli") == []


@pytest.mark.parametrize("zone", [None, "America/New_York", "Asia/Tokyo"])
def test_an_old_az(azcred: Azcred, az: AzureCli, sdk: Sdk, zone: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without `expires_on` says the caller's local time, from which the SDK makes epoch seconds again."""
    if zone:
        monkeypatch.setenv("TZ", zone)
    az.version = "2.53.1"
    az.sign_in(user_of(azcred))
    code = (
        "import sys; from azure.identity import AzureCliCredential as C; "
        "print(C().get_token(sys.argv[1]).expires_on - __import__('time').time())"
    )
    # In a process of its own, for a process learns its time zone at its start.
    result = subprocess.run([sys.executable, "-c", code, SCOPE], capture_output=True, text=True, check=True)
    assert 86_300 < float(result.stdout) < 86_500
    azcred.journal.assert_tokens(provider="azure-cli", times=1)


def test_warnings_and_slowness_do_not_hurt(azcred: Azcred, az: AzureCli, sdk: Sdk) -> None:
    """What is on standard error, and what takes its time, is a success all the same."""
    az.sign_in(user_of(azcred))
    az.faults.add(Noise(), Slow(0.2))
    credential = sdk.credential(CREDENTIAL)
    assert credential.get_token(SCOPE).token == credential.get_token(SCOPE).token


# In a process of its own, for azure-identity does not close the pipes of the tools that it kills.
PATIENCE = """
import asyncio, inspect, sys
from importlib import import_module

async def token(credential):
    result = credential.get_token(sys.argv[2])
    return await result if inspect.isawaitable(result) else result

try:
    asyncio.run(token(import_module(sys.argv[1]).AzureCliCredential(process_timeout=3)))
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("half", HALVES)
def test_an_az_that_hangs(azcred: Azcred, az: AzureCli, half: str) -> None:
    """The SDK gives up after its own timeout, and the tool counts as unavailable."""
    az.faults.add(Hang())
    result = subprocess.run(
        [sys.executable, "-c", PATIENCE, HALVES[half], SCOPE], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "CredentialUnavailableError"
    assert [entry.fault for entry in azcred.journal.requests(provider="azure-cli")] == ["Hang"]
