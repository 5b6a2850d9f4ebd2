"""The unmodified DefaultAzureCredential of azure-identity in each environment: who wins, and what it asked for."""

from __future__ import annotations

import re

import pytest
from azure.core.exceptions import ClientAuthenticationError
from support.published import verified
from support.sdk import Sdk, for_release

from azcred_emulators.directory import ManagedIdentity, contoso, identifiers
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id

PROBE = "GET 169.254.169.254/metadata/identity/oauth2/token probe 400"
IMDS = "GET 169.254.169.254/metadata/identity/oauth2/token token 200"
CONFIGURATION = f"GET login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration openid-configuration 200"
TOKEN = f"POST login.microsoftonline.com/{TENANT}/oauth2/v2.0/token token 200"
REFUSAL = f"POST login.microsoftonline.com/{TENANT}/oauth2/v2.0/token token 401"
ALIASES = "GET login.microsoftonline.com/common/discovery/instance instance-discovery 200"

# What the first token takes. The sync half leaves client secrets to msal, which looks the tenant up.
REQUESTS = {
    ("virtual-machine", "sync"): [PROBE, IMDS],
    ("virtual-machine", "aio"): [PROBE, IMDS],
    ("kubernetes", "sync"): [TOKEN],
    ("kubernetes", "aio"): [TOKEN],
    ("developer-service-principal", "sync"): [CONFIGURATION, TOKEN],
    ("developer-service-principal", "aio"): [TOKEN],
}
PLACES = ["virtual-machine", "kubernetes", "developer-service-principal"]

_ALWAYS = ["Environment", "ManagedIdentity", "SharedTokenCache", "AzureCli", "AzurePowerShell", "AzureDeveloperCli"]
_SINCE_1_24 = [
    "Environment",
    "WorkloadIdentity",
    "ManagedIdentity",
    "SharedTokenCache",
    "VisualStudioCode",
    "AzureCli",
    "AzurePowerShell",
    "AzureDeveloperCli",
]
# The providers that a release tries where there is nothing, from that release on.
ATTEMPTED: dict[str, list[tuple[tuple[int, ...], list[str]]]] = {
    "sync": [((1, 15), _ALWAYS), ((1, 24), [*_SINCE_1_24, "Broker"])],
    "aio": [((1, 15), _ALWAYS), ((1, 24), _SINCE_1_24)],
}


def asked(azcred: Azcred) -> list[str]:
    """Return every request of the test so far, one line each."""
    return [
        f"{entry.method} {entry.server_name}{entry.path} {entry.operation} {entry.status}"
        for entry in azcred.journal.requests()
    ]


def attempted(error: ClientAuthenticationError) -> list[str]:
    """Return the providers that the chain's message lists."""
    return re.findall(r"^\t(\w+)Credential: ", str(error), flags=re.MULTILINE)


@pytest.mark.parametrize("place", PLACES)
def test_the_identity_of_the_place_wins(azcred: Azcred, sdk: Sdk, place: str) -> None:
    """Its token verifies with the published keys, and took exactly the requests that it takes on Azure."""
    here = azcred.environment(place)
    token = sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert asked(azcred) == REQUESTS[place, sdk.half]
    azcred.journal.assert_tokens(provider=here.environment.provider, identity=here.identity.name, times=1)
    claims = verified(token.token, resource=VAULT, tenant=TENANT)
    assert claims["appid"] == here.identity.client_id
    assert claims["oid"] == here.identity.object_id
    assert abs(claims["exp"] - token.expires_on) <= 5  # the client adds a lifetime to a time of its own


@pytest.mark.parametrize("place", PLACES)
def test_a_token_is_asked_for_once(azcred: Azcred, sdk: Sdk, place: str) -> None:
    """The second call for the same resource answers from memory, one for another resource does not."""
    azcred.environment(place)
    credential = sdk.credential("DefaultAzureCredential")
    first = credential.get_token(SCOPE)
    assert credential.get_token(SCOPE).token == first.token
    azcred.journal.assert_tokens(resource=VAULT, times=1)
    other = credential.get_token("https://storage.azure.com/.default")
    assert verified(other.token, resource="https://storage.azure.com", tenant=TENANT)
    azcred.journal.assert_tokens(times=2)


def test_nothing_is_available(azcred: Azcred, sdk: Sdk) -> None:
    """The chain tries every provider of its release and says of each that it is unavailable, without a request."""
    azcred.environment("nothing")
    with pytest.raises(ClientAuthenticationError) as failure:
        sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert attempted(failure.value) == for_release(ATTEMPTED[sdk.half])
    assert asked(azcred) == []


@pytest.mark.parametrize(
    ("places", "winner"),
    [
        (["virtual-machine", "developer-service-principal"], "service-principal"),
        (["kubernetes", "virtual-machine"], "workload-identity"),
    ],
)
def test_the_first_of_two_wins(azcred: Azcred, sdk: Sdk, places: list[str], winner: str) -> None:
    """In the order of the chain: environment variables, workload identity, managed identity."""
    azcred.environment(*places)
    sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    azcred.journal.assert_tokens(identity=winner, times=1)
    azcred.journal.assert_tokens(times=1)


def test_a_wrong_secret_stops_the_chain(azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The virtual machine's own identity, next in the chain, is not tried: a refusal is no absence."""
    azcred.environment("virtual-machine", "developer-service-principal")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215: Invalid client secret provided") as failure:
        sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert attempted(failure.value) == ["Environment"]
    assert asked(azcred) == ([CONFIGURATION, REFUSAL, ALIASES] if sdk.half == "sync" else [REFUSAL])


def test_a_pod_that_is_not_federated_stops_the_chain(azcred: Azcred, sdk: Sdk) -> None:
    """So does an assertion that Entra ID has no record of."""
    here = azcred.environment("virtual-machine", "kubernetes")
    assert isinstance(here.identity, ManagedIdentity)
    azcred.directory.replace(here.identity, federated_credentials=())
    with pytest.raises(ClientAuthenticationError, match="AADSTS700211: No matching federated identity record"):
        sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert asked(azcred) == [REFUSAL]


def test_a_machine_without_an_identity_is_passed_over(azcred: Azcred, sdk: Sdk) -> None:
    """IMDS answers "Identity not found", so the chain goes on to the developer's tools."""
    here = azcred.environment("virtual-machine")
    assert isinstance(here.identity, ManagedIdentity)
    azcred.directory.unassign("imds", here.identity)
    with pytest.raises(ClientAuthenticationError) as failure:
        sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert {"ManagedIdentity", "AzureCli"} <= set(attempted(failure.value))
    assert here.statuses == [400, 400]
    assert here.requests()[-1].error == "Identity not found"


def test_azure_client_id_chooses_an_identity_of_the_machine(
    azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable names a user-assigned identity beside the system-assigned one."""
    azcred.environment("virtual-machine")
    chosen = azcred.directory.add(
        ManagedIdentity(
            name="chosen",
            tenant_id=TENANT,
            resource_id=f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/chosen",
        )
    )
    azcred.directory.assign("imds", chosen)
    monkeypatch.setenv("AZURE_CLIENT_ID", chosen.client_id)
    token = sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert verified(token.token, resource=VAULT, tenant=TENANT)["xms_mirid"] == chosen.resource_id
    azcred.journal.assert_tokens(identity="chosen", times=1)
