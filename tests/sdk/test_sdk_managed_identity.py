"""What azure-identity makes of hosts that answer oddly, and of questions that a host cannot answer."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import CustomHookPolicy
from azure.identity import CredentialUnavailableError, TokenCachePersistenceOptions
from support.sdk import Sdk

from azcred_emulators.directory import ManagedIdentity, contoso, identifiers
from azcred_emulators.faults import BadChallenge, DockerDesktop, IdentityNotFound, MissingField, MistypedField, Status
from azcred_emulators.hosts.challenges import CHALLENGE_DEFECTS, ChallengeDefect
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
CLAIMS = '{"access_token":{"nbf":{"essential":true}}}'
HOSTS = ["virtual-machine", "app-service", "machine-learning", "azure-arc", "service-fabric", "cloud-shell"]


@pytest.mark.parametrize("name", HOSTS)
def test_every_way_to_ask(azcred: Azcred, sdk: Sdk, name: str) -> None:
    """Both methods, with claims, with a tenant, after entering, in a copy, and closed at the end."""
    azcred.environment(name)
    credential = sdk.credential("ManagedIdentityCredential")
    credential.call("__enter__")
    first = credential.get_token_info(SCOPE)
    assert first.token == credential.get_token(SCOPE, tenant_id=contoso.TENANT.id).token
    assert credential.get_token(SCOPE, claims=CLAIMS).token
    assert credential.get_token_info(SCOPE, claims=CLAIMS).token
    credential.call("__exit__", None, None, None)


@pytest.mark.parametrize("name", HOSTS)
def test_a_token_that_nobody_can_decode(azcred: Azcred, sdk: Sdk, name: str) -> None:
    """It is handed on as it is; the log cannot say whose it is."""
    place = azcred.environment(name)
    place.faults.add(MistypedField("access_token", "opaque"), operation="token")
    assert sdk.credential("ManagedIdentityCredential").get_token(SCOPE).token == "opaque"


CHOOSING = ("virtual-machine", "app-service", "azure-arc")
REFUSALS = (ValueError, ClientAuthenticationError, CredentialUnavailableError)


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("selector", ["client_id", "object_id", "resource_id"])
def test_an_identity_that_is_named_in_the_configuration(azcred: Azcred, sdk: Sdk, name: str, selector: str) -> None:
    """Where the host can choose it is found; elsewhere the credential or the host refuses, but for one kind of id."""
    place = azcred.environment(name)
    value = getattr(place.identity, selector) if place.environment.client_id else identifiers.WORKLOAD_CLIENT_ID
    for method in ("get_token", "get_token_info"):
        if name in CHOOSING or (name == "machine-learning" and selector == "client_id"):
            credential = sdk.credential("ManagedIdentityCredential", identity_config={selector: value})
            assert getattr(credential, method)(SCOPE).token
            assert place.requests()[-1].identity == place.identity.name
        else:
            with pytest.raises(REFUSALS):
                getattr(sdk.credential("ManagedIdentityCredential", identity_config={selector: value}), method)(SCOPE)
            azcred.journal.assert_tokens(times=0)


ELSEWHERE = {
    "a host without a name": {"IDENTITY_ENDPOINT": "http://127.0.0.1:1"},
    "workload identity without a client": {
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com",
        "AZURE_TENANT_ID": contoso.TENANT.id,
        "AZURE_FEDERATED_TOKEN_FILE": "/nonexistent",
    },
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_variables_of_no_host(azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """They say that there is a managed identity, and not enough of where."""
    azcred.environment("nothing")
    for variable, value in ELSEWHERE[name].items():
        monkeypatch.setenv(variable, value)
    for method in ("get_token", "get_token_info"):
        with pytest.raises((CredentialUnavailableError, ValueError), match=r"(?i)no managed identity|client_id"):
            getattr(sdk.credential("ManagedIdentityCredential"), method)(SCOPE)


def test_imds_elsewhere(azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address in a variable is believed, without a probe, within a chain too."""
    place = azcred.environment("virtual-machine")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azcred._emulators.http.url)
    assert sdk.credential("DefaultAzureCredential").get_token(SCOPE).token
    assert [entry.operation for entry in place.requests()] == ["token"]


def test_a_probe_that_gets_a_token(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """As from a metadata service that asks for no header: it is there, and is asked again."""
    body = {"access_token": "t", "expires_in": "3600", "resource": "https://vault.azure.net", "token_type": "Bearer"}
    fake_managed_identity.faults.add(Status(200, body=body), operation="probe")
    assert sdk.credential("DefaultAzureCredential").get_token(SCOPE).token
    assert fake_managed_identity.statuses == [200, 200]


UNREACHABLE = {
    "text": (DockerDesktop(), [403, 403]),  # only the token request shows that nobody can read it
    "JSON": (Status(403, body={"error": "forbidden", "error_description": "unreachable network"}), [403]),
}


@pytest.mark.parametrize("form", UNREACHABLE)
def test_a_proxy_that_says_unreachable(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place, form: str) -> None:
    """As Docker Desktop's does: within a chain the next provider is tried."""
    fault, statuses = UNREACHABLE[form]
    fake_managed_identity.faults.add(fault, times=len(statuses))
    with pytest.raises(ClientAuthenticationError, match="\tAzureCliCredential: "):
        sdk.credential("DefaultAzureCredential").get_token(SCOPE)
    assert fake_managed_identity.statuses == statuses


def test_an_identity_of_the_machine_that_is_gone(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """Unavailable, whether one is named or not."""
    fake_managed_identity.faults.add(IdentityNotFound(), times=2)
    for keywords in ({}, {"client_id": identifiers.WORKLOAD_CLIENT_ID}):
        with pytest.raises(CredentialUnavailableError):
            sdk.credential("ManagedIdentityCredential", **keywords).get_token(SCOPE)


def test_an_empty_answer(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """JSON, and nothing in it."""
    fake_managed_identity.faults.add(Status(200, body={}))
    with pytest.raises(ClientAuthenticationError):
        sdk.credential("ManagedIdentityCredential").get_token(SCOPE)


@pytest.mark.parametrize("defect", CHALLENGE_DEFECTS)
def test_a_challenge_of_arc_that_is_wrong(azcred: Azcred, sdk: Sdk, defect: ChallengeDefect) -> None:
    """The client does not read files that an agent would not have written."""
    azcred.environment("azure-arc").faults.add(BadChallenge(defect))
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError, OSError)):
        sdk.credential("ManagedIdentityCredential").get_token(SCOPE)
    azcred.journal.assert_tokens(times=0)


@pytest.mark.parametrize("name", ["linux", "windows"])
def test_dates_of_the_old_app_service(azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The async half reads both forms; msal reads none."""
    place = azcred.environment("app-service")
    azcred.hosts["app-service"].operating_system = name  # type: ignore[attr-defined]
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IDENTITY_HEADER")
    credential = sdk.credential("ManagedIdentityCredential")
    if sdk.half == "aio":
        assert credential.get_token(SCOPE).expires_on > azcred.clock.now()
    else:
        with pytest.raises(ValueError, match="invalid literal for int"):
            credential.get_token(SCOPE)
    assert place.statuses == [200]
    if sdk.half == "aio":
        place.faults.add(MistypedField("expires_on", "tomorrow +00:00"))
        with pytest.raises(ValueError, match="doesn't match the expected format"):
            sdk.credential("ManagedIdentityCredential").get_token(SCOPE)


@pytest.mark.parametrize("kind", ["ManagedIdentityCredential", "ClientSecretCredential"])
def test_a_copy_of_a_credential(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place, kind: str) -> None:
    """The sync half's can be pickled; what they hold in caches stays behind."""
    arguments = () if kind == "ManagedIdentityCredential" else (contoso.TENANT.id, "c", "s")
    credential = sdk.credential(kind, *arguments)
    try:
        copy: Any = pickle.loads(pickle.dumps(credential.wrapped))
    except TypeError:
        assert sdk.half == "aio"
        return
    assert type(copy) is type(credential.wrapped)


def test_a_host_that_does_not_name_the_resource(azcred: Azcred, sdk: Sdk) -> None:
    """The sync half does not look for it on Arc; the async half looks in vain."""
    place = azcred.environment("azure-arc")
    place.faults.add(MissingField("resource"), operation="token")
    credential = sdk.credential("ManagedIdentityCredential")
    if sdk.half == "sync":
        assert credential.get_token(SCOPE).token
    else:
        with pytest.raises(KeyError):
            credential.get_token(SCOPE)


def test_arc_that_answers_for_another_identity(azcred: Azcred, sdk: Sdk) -> None:
    """The client compares the ids, by each of the names that an agent may write."""
    place = azcred.environment("azure-arc")
    identity = ManagedIdentity(name="own", tenant_id=contoso.TENANT.id, resource_id="/subscriptions/1/own")
    azcred.directory.assign("azure-arc", azcred.directory.add(identity))
    for selector in ("client_id", "object_id", "resource_id"):
        credential = sdk.credential(
            "ManagedIdentityCredential", identity_config={selector: getattr(identity, selector)}
        )
        assert credential.get_token(SCOPE).token
    spelled = "msi_res_id"
    place.faults.add(MissingField(spelled), operation="token")
    credential = sdk.credential("ManagedIdentityCredential", identity_config={"resource_id": identity.resource_id})
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
        credential.get_token(SCOPE)


def test_options_of_service_fabric_that_are_ignored(azcred: Azcred, sdk: Sdk) -> None:
    """Its TLS is pinned, so the sync half takes nothing that would change it, and says so."""
    azcred.environment("service-fabric")
    if sdk.half == "sync":
        with pytest.warns(UserWarning, match="ignored"):
            credential = sdk.credential("ManagedIdentityCredential", custom_hook_policy=CustomHookPolicy())
    else:
        credential = sdk.credential("ManagedIdentityCredential")
    assert credential.get_token(SCOPE).token


def test_caches_of_ones_own(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """Managed identities have none on disk; the option is ignored."""
    options = TokenCachePersistenceOptions(allow_unencrypted_storage=True)
    credential = sdk.credential("ManagedIdentityCredential", cache_persistence_options=options)
    assert credential.get_token(SCOPE).token
