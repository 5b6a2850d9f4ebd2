"""Clients of managed identities at every host: what they make of a token, and of each refusal that they tell apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from support.published import verified
from support.sdk import IDENTITY, Sdk

from azcred_emulators.directory import ManagedIdentity, contoso, identifiers
from azcred_emulators.environments import ENVIRONMENTS
from azcred_emulators.faults import BadChallenge
from azcred_emulators.hosts.azure_arc import AzureArc
from azcred_emulators.hosts.challenges import CHALLENGE_DEFECTS, ChallengeDefect
from pytest_azcred.azcred import Azcred

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id
UNKNOWN = "00000000-0000-4000-8000-000000000000"
LATEST = pytest.mark.skipif(IDENTITY < (1, 27), reason="the classes of errors are those of azure-identity 1.27")

OF_MSAL = [
    one.name for one in ENVIRONMENTS.values() if one.provider == "managed-identity" and one.name != "cloud-shell"
]


@pytest.fixture
def connection() -> Iterator[requests.Session]:
    """What msal's client sends its requests with."""
    with requests.Session() as session:
        yield session


def assigned(azcred: Azcred, host: str) -> ManagedIdentity:
    """Assign another identity to a host."""
    resource_id = f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/chosen"
    chosen = azcred.directory.add(ManagedIdentity(name="chosen", tenant_id=TENANT, resource_id=resource_id))
    azcred.directory.assign(host, chosen)
    return chosen


@pytest.mark.parametrize("name", OF_MSAL)
def test_msals_own_client(azcred: Azcred, connection: requests.Session, name: str) -> None:
    """It finds the host, gets a token of the place's identity, and answers the second call from its cache."""
    place = azcred.environment(name)
    identity = place.identity
    assert isinstance(identity, ManagedIdentity)
    wanted: msal.ManagedIdentity = msal.SystemAssignedManagedIdentity()
    if name == "machine-learning":  # which takes the one that the compute's variable names
        wanted = msal.UserAssignedManagedIdentity(client_id=os.environ["DEFAULT_IDENTITY_CLIENT_ID"])
    client = msal.ManagedIdentityClient(wanted, http_client=connection)
    results = [client.acquire_token_for_client(resource=VAULT) for _ in range(2)]
    assert verified(results[0]["access_token"], resource=VAULT, tenant=TENANT)["appid"] == identity.client_id
    assert [result["token_source"] for result in results] == ["identity_provider", "cache"]
    assert place.statuses == ([401, 200] if name == "azure-arc" else [200])


def test_msal_finds_arc_by_its_file(
    azcred: Azcred, connection: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the variables are missing, the agent's program says that it is there, at its well-known address."""
    place = azcred.environment("azure-arc")
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IMDS_ENDPOINT")
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=connection)
    assert "access_token" in client.acquire_token_for_client(resource=VAULT)
    assert [request.server_name for request in place.requests()] == ["localhost", "localhost"]


def test_msals_cloud_shell_flow(azcred: Azcred) -> None:
    """Which the Azure CLI uses: at the fixed address, by the console's variable."""
    place = azcred.environment("cloud-shell")
    result = msal.PublicClientApplication(identifiers.AZURE_CLI_CLIENT_ID).acquire_token_interactive(
        [SCOPE], prompt="none"
    )
    assert verified(result["access_token"], resource=VAULT, tenant=TENANT)["oid"] == place.user.object_id
    assert place.statuses == [200]


@pytest.mark.parametrize("selector", ["client_id", "object_id", "resource_id"])
@pytest.mark.parametrize("name", ["virtual-machine", "app-service", "functions", "container-apps", "azure-arc"])
def test_a_user_assigned_identity_by_each_of_its_ids(
    azcred: Azcred, connection: requests.Session, name: str, selector: str
) -> None:
    """Where a host has several identities, msal names one; Arc's agent must echo the id."""
    place = azcred.environment(name)
    chosen = assigned(azcred, place.environment.host or "")
    wanted = msal.UserAssignedManagedIdentity(**{selector: getattr(chosen, selector)})
    result = msal.ManagedIdentityClient(wanted, http_client=connection).acquire_token_for_client(resource=VAULT)
    assert verified(result["access_token"], resource=VAULT, tenant=TENANT)["appid"] == chosen.client_id, result
    assert place.requests()[-1].identity == "chosen"


@pytest.mark.skipif(IDENTITY < (1, 26), reason="azure-identity asks Arc for user-assigned identities from 1.26 on")
@pytest.mark.parametrize("name", ["virtual-machine", "app-service", "azure-arc"])
def test_a_client_id(azcred: Azcred, sdk: Sdk, name: str) -> None:
    """Of azure-identity's ManagedIdentityCredential."""
    place = azcred.environment(name)
    chosen = assigned(azcred, place.environment.host or "")
    token = sdk.credential("ManagedIdentityCredential", client_id=chosen.client_id).get_token(SCOPE).token
    assert verified(token, resource=VAULT, tenant=TENANT)["appid"] == chosen.client_id


@LATEST
def test_an_arc_agent_that_ignores_identities_is_found_out(azcred: Azcred, sdk: Sdk) -> None:
    """It answers with a token of the machine's own identity, which the client must not take."""
    azcred.environment("azure-arc")
    chosen = assigned(azcred, "azure-arc")
    agent = azcred.hosts["azure-arc"]
    assert isinstance(agent, AzureArc)
    agent.supports_user_assigned = False
    credential = sdk.credential("ManagedIdentityCredential", client_id=chosen.client_id)
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(SCOPE)


# Refusals

Prepare = Callable[[Azcred], None]


def nothing(azcred: Azcred) -> None:
    """Leave the place as it is."""


def no_identity(azcred: Azcred) -> None:
    """Take every identity away."""
    assert azcred.place
    host = azcred.place.environment.host or ""
    azcred.directory.unassign(host, *azcred.directory.assigned(host))


def wrong_secret(azcred: Azcred) -> None:
    """Let the app send another secret."""
    for name in {"IDENTITY_HEADER", "MSI_SECRET"} & set(os.environ):
        os.environ[name] = "wrong"


def wrong_thumbprint(azcred: Azcred) -> None:
    """Let the app expect another certificate."""
    os.environ["IDENTITY_SERVER_THUMBPRINT"] = "0" * 40


UNAVAILABLE, ERROR = "CredentialUnavailableError", "ClientAuthenticationError"
TYPO = {"scope": "https://typo.example/.default"}
STRANGER = {"client_id": UNKNOWN}
# Place, what is wrong, arguments, the classes of error of the sync and the aio half, and the statuses they got.
REFUSALS: list[tuple[str, Prepare, dict[str, str], str, str, list[int]]] = [
    ("virtual-machine", nothing, TYPO, UNAVAILABLE, UNAVAILABLE, [400]),
    ("virtual-machine", nothing, STRANGER, UNAVAILABLE, UNAVAILABLE, [400]),
    ("virtual-machine", no_identity, {}, UNAVAILABLE, UNAVAILABLE, [400]),
    ("app-service", nothing, STRANGER, UNAVAILABLE, ERROR, [400]),
    ("app-service", no_identity, {}, UNAVAILABLE, ERROR, [400]),
    ("app-service", wrong_secret, {}, UNAVAILABLE, ERROR, [401]),
    ("functions", no_identity, {}, UNAVAILABLE, ERROR, [400]),
    ("container-apps", no_identity, {}, UNAVAILABLE, ERROR, [400]),
    ("azure-arc", nothing, TYPO, UNAVAILABLE, ERROR, [400]),
    ("azure-arc", nothing, STRANGER, UNAVAILABLE, ERROR, [400]),
    ("azure-arc", no_identity, {}, UNAVAILABLE, ERROR, [400]),
    ("service-fabric", nothing, STRANGER, ERROR, ERROR, []),  # refused by the client
    ("service-fabric", no_identity, {}, UNAVAILABLE, ERROR, [404]),
    ("service-fabric", wrong_secret, {}, UNAVAILABLE, ERROR, [400]),
    ("cloud-shell", nothing, TYPO, ERROR, ERROR, [400]),
    ("cloud-shell", nothing, STRANGER, "ValueError", "ValueError", []),
    ("machine-learning", nothing, TYPO, "JSONDecodeError", UNAVAILABLE, [400]),
    ("machine-learning", nothing, STRANGER, "JSONDecodeError", UNAVAILABLE, [404]),
    ("machine-learning", no_identity, {}, "JSONDecodeError", UNAVAILABLE, [404]),
    ("machine-learning", wrong_secret, {}, "JSONDecodeError", UNAVAILABLE, [401]),
]


def outcome(sdk: Sdk, scope: str = SCOPE, **keywords: str) -> str:
    """Get a token and return the class of the error, or "token"."""
    try:
        sdk.credential("ManagedIdentityCredential", **keywords).get_token(scope)
    except Exception as error:
        return type(error).__name__
    return "token"


@LATEST
@pytest.mark.parametrize(
    ("name", "prepare", "arguments", "sync", "aio", "statuses"),
    REFUSALS,
    ids=[f"{name}-{prepare.__name__}-{next(iter(arguments), 'as-is')}" for name, prepare, arguments, *_ in REFUSALS],
)
def test_a_refusal(
    azcred: Azcred,
    sdk: Sdk,
    name: str,
    prepare: Prepare,
    arguments: dict[str, str],
    sync: str,
    aio: str,
    statuses: list[int],
) -> None:
    """What the client makes of it, once for each of its halves: they differ."""
    place = azcred.environment(name)
    prepare(azcred)
    assert outcome(sdk, **arguments) == (sync if sdk.half == "sync" else aio)
    assert place.statuses == statuses


@LATEST
def test_a_service_fabric_with_another_certificate(azcred: Azcred, sdk: Sdk) -> None:
    """msal goes by the thumbprint; the aio half verifies nothing at all."""
    place = azcred.environment("service-fabric")
    wrong_thumbprint(azcred)
    assert outcome(sdk) == ("SSLError" if sdk.half == "sync" else "token")
    assert place.statuses == ([] if sdk.half == "sync" else [200])


NOT_FOUND = "FileNotFoundError"
# msal takes no more than the name of the file from the challenge, and looks for it in the one folder.
BAD_CHALLENGES: dict[ChallengeDefect, str] = {
    "no-header": ERROR,
    "no-realm": NOT_FOUND,
    "no-file": NOT_FOUND,
    "other-folder": NOT_FOUND,
    "other-suffix": NOT_FOUND,
    "too-large": ERROR,
    "wrong-key": UNAVAILABLE,
}


@LATEST
@pytest.mark.parametrize("defect", CHALLENGE_DEFECTS)
def test_a_challenge_that_breaks_a_rule(azcred: Azcred, sdk: Sdk, defect: ChallengeDefect) -> None:
    """The aio half refuses it by name; of msal's checks some end in the error of `open`."""
    place = azcred.environment("azure-arc")
    place.faults.add(BadChallenge(defect))
    assert outcome(sdk) == (BAD_CHALLENGES[defect] if sdk.half == "sync" else ERROR)
    assert place.statuses == ([401, 401] if defect == "wrong-key" else [401])


@LATEST
def test_the_error_of_a_missing_key_names_the_real_path(azcred: Azcred) -> None:
    """Not that of the folder which stands for it."""
    azcred.environment("azure-arc").faults.add(BadChallenge("no-file"))
    sdk = Sdk("sync")
    credential = sdk.credential("ManagedIdentityCredential")
    with pytest.raises(FileNotFoundError) as failure:
        credential.get_token(SCOPE)
    sdk.close()
    assert str(failure.value.filename).startswith("/var/opt/azcmagent/tokens/")


@pytest.mark.skipif(IDENTITY < (1, 26), reason="claims reach Service Fabric through msal, from 1.26 on")
def test_service_fabric_is_told_which_token_was_refused(azcred: Azcred) -> None:
    """After a claims challenge msal sends the capability and the token's hash, and gets another token."""
    azcred.environment("service-fabric")
    sdk = Sdk("sync")
    credential = sdk.credential("ManagedIdentityCredential")
    first = credential.get_token(SCOPE, enable_cae=True).token
    challenge = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    second = credential.get_token(SCOPE, enable_cae=True, claims=challenge).token
    sdk.close()
    assert first != second
    azcred.journal.assert_tokens(host="service-fabric", times=2)
