"""Corners of azure-identity: hosts that are not there, libraries that are missing, caches that somebody has edited."""

from __future__ import annotations

import json
import os
import pickle
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CredentialUnavailableError,
    SharedTokenCacheCredential,
    TokenCachePersistenceOptions,
    UsernamePasswordCredential,
)
from support.entra import REDIRECT, SECRET, Entra
from support.sdk import HALVES, Credential, Sdk
from werkzeug.test import Client

from azcred_emulators.directory import Application, TokenTimes, User, contoso, identifiers
from azcred_emulators.faults import MissingField, MistypedField, Status
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
TENANT = contoso.TENANT.id
CLI = identifiers.AZURE_CLI_CLIENT_ID
CLAIMS = '{"access_token":{"nbf":{"essential":true}}}'
DEPRECATED = [
    pytest.mark.filterwarnings("ignore:UsernamePasswordCredential is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This API has been deprecated for public client flows:DeprecationWarning"),
]
pytestmark = DEPRECATED

HOSTS = {
    "app_service": "AppServiceCredential",
    "azure_arc": "AzureArcCredential",
    "azure_ml": "AzureMLCredential",
    "cloud_shell": "CloudShellCredential",
    "service_fabric": "ServiceFabricCredential",
}


@pytest.mark.parametrize("module", HOSTS)
def test_a_host_that_is_not_there(azcred: Azcred, sdk: Sdk, module: str) -> None:
    """Its own credential, which ManagedIdentityCredential would not have chosen, is unavailable."""
    if sdk.half == "sync" and module != "cloud_shell":
        pytest.skip("the sync half leaves the choice of the host to msal")
    azcred.environment("nothing")
    made = getattr(import_module(f"{HALVES[sdk.half]}._credentials.{module}"), HOSTS[module])()
    credential = Credential(made, sdk._loop)
    for ask in (credential.get_token, credential.get_token_info):
        with pytest.raises(CredentialUnavailableError):
            ask(SCOPE)
    credential.close()


@pytest.mark.parametrize("missing", [("aiohttp",), ("aiohttp", "requests")], ids=str)
def test_a_proxy_without_aiohttp(
    azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    """The async half sends through requests then; with neither, the way through the proxy is closed."""
    azcred.environment("kubernetes-identity-binding")
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [one for one in sys.modules if "token_binding_transport" in one and "mixin" not in one]:
        monkeypatch.delitem(sys.modules, name)
    if "requests" in missing:
        with pytest.raises(ValueError, match="requests"):
            sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True)
        return
    credential = sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True)
    assert credential.get_token(SCOPE).token
    file = Path(os.environ.get("AZURE_KUBERNETES_CA_FILE", ""))
    if file.is_file():
        os.utime(file, (1, 1))
    assert credential.get_token("https://storage.azure.com/.default").token


def test_the_first_question_by_the_newer_method(azcred: Azcred, sdk: Sdk, fake_managed_identity: Place) -> None:
    """The default chain is entered, too, with members that are not there."""
    credential = sdk.credential("DefaultAzureCredential")
    credential.call("__enter__")
    assert credential.get_token_info(SCOPE).token


def test_a_credential_of_the_variables_is_entered(azcred: Azcred, sdk: Sdk, fake_service_principal: Place) -> None:
    """And so is the one inside."""
    credential = sdk.credential("EnvironmentCredential")
    credential.call("__enter__")
    assert credential.get_token(SCOPE).token


@pytest.fixture
def ada(azcred: Azcred) -> User:
    """A user with a password."""
    return azcred.directory.add(User(name="ada", tenant_id=TENANT, principal_name="ada@contoso.com", password="pw"))


def test_a_tenant_for_whoever_comes(azcred: Azcred, ada: User) -> None:
    """A public client that was made for every organization takes the tenant of the question."""
    with UsernamePasswordCredential(CLI, ada.principal_name, "pw") as credential:
        assert credential.get_token(SCOPE, tenant_id=TENANT).token


def cache_file() -> Path:
    """Return the shared cache of the test's own home folder."""
    return Path(os.environ["HOME"]) / ".IdentityService" / "msal.cache.nocae"


@pytest.fixture
def cached(azcred: Azcred, ada: User) -> dict[str, Any]:
    """What the shared cache holds after ada has signed in."""
    with UsernamePasswordCredential(
        CLI,
        ada.principal_name,
        "pw",
        tenant_id=TENANT,
        cache_persistence_options=TokenCachePersistenceOptions(allow_unencrypted_storage=True),
    ) as credential:
        credential.get_token(SCOPE)
    content: dict[str, Any] = json.loads(cache_file().read_text())
    return content


def test_a_cache_that_somebody_has_edited(azcred: Azcred, sdk: Sdk, cached: dict[str, Any]) -> None:
    """Entries that make no sense are passed over, or reported as such."""
    credential = sdk.credential("SharedTokenCacheCredential")
    credential.get_token(SCOPE)
    credential.call("__enter__")

    broken = json.loads(json.dumps(cached))
    for entry in broken["AccessToken"].values():
        entry["expires_on"] = "soon"
    cache_file().write_text(json.dumps(broken))
    with pytest.raises(CredentialUnavailableError, match="Error accessing cached data"):
        sdk.credential("SharedTokenCacheCredential").get_token(SCOPE)

    broken = json.loads(json.dumps(cached))
    for entry in broken["RefreshToken"].values():
        entry["home_account_id"] = ""
    cache_file().write_text(json.dumps(broken))
    with pytest.raises(CredentialUnavailableError, match=r"(?i)no accounts"):
        sdk.credential("SharedTokenCacheCredential").get_token(SCOPE)

    broken = json.loads(json.dumps(cached).replace(f".{TENANT}", ""))
    cache_file().write_text(json.dumps(broken))
    with pytest.raises(CredentialUnavailableError):
        sdk.credential("SharedTokenCacheCredential", tenant_id=TENANT).get_token(SCOPE)


def test_a_copy_of_the_shared_cache(azcred: Azcred, cached: dict[str, Any]) -> None:
    """It has to be loaded again."""
    with SharedTokenCacheCredential() as credential:
        copy = pickle.loads(pickle.dumps(credential._credential))
    assert copy.get_token(SCOPE).token


@pytest.fixture
def shop(azcred: Azcred) -> Entra:
    """The tenant, to add apps to and sign users in."""
    return Entra(azcred._emulators, Client(azcred._emulators.application))


LITTLE = {
    "nothing is missing": None,
    "no client_info": MissingField("client_info"),
    "no id_token": MissingField("id_token"),
    "client_info that is none": MistypedField("client_info", "opaque"),
}


@pytest.mark.parametrize("answer", LITTLE)
def test_a_code_whose_answer_says_little(azcred: Azcred, sdk: Sdk, shop: Entra, answer: str) -> None:
    """Without `client_info` the refresh token is not found again; claims are passed on, by code and refresh token."""
    app = shop.add_web_app()
    code = shop.authorize(app, scope=f"{SCOPE} openid offline_access")["code"]
    fault = LITTLE[answer]
    if fault:
        azcred.authority.faults.add(fault, grant="authorization_code")
    credential = sdk.credential(
        "AuthorizationCodeCredential", TENANT, app.client_id, code, REDIRECT, client_secret=SECRET
    )
    if answer == "client_info that is none":
        with pytest.raises(ValueError, match="codec can't decode"):
            credential.get_token(SCOPE, claims=CLAIMS)
        return
    assert credential.get_token(SCOPE, claims=CLAIMS).token
    azcred.clock.advance(hours=30)
    if answer == "no client_info":
        with pytest.raises(ClientAuthenticationError, match="No authorization code, cached access token, or refresh"):
            credential.get_token(SCOPE, claims=CLAIMS)
    else:
        assert credential.get_token(SCOPE, claims=CLAIMS).token
        azcred.journal.assert_tokens(grant="refresh_token", times=1)


def test_a_long_life_without_a_word_of_renewal(azcred: Azcred, sdk: Sdk, fake_workload_identity: Place) -> None:
    """The client renews it halfway by itself."""
    identity = fake_workload_identity.identity
    assert not isinstance(identity, Application)
    azcred.directory.replace(identity, token_times=TokenTimes(lifetime=timedelta(hours=8)))
    fake_workload_identity.faults.add(MissingField("refresh_in"))
    token = sdk.credential("DefaultAzureCredential").get_token_info(SCOPE)
    assert token.refresh_on == pytest.approx(azcred.clock.now() + 4 * 3600, abs=60)


def test_a_certificate_for_ad_fs(azcred: Azcred, sdk: Sdk) -> None:
    """Its assertions are signed as older versions understand; the emulated authority has no AD FS behind it."""
    place = azcred.environment("on-premises-certificate")
    path = os.environ["AZURE_CLIENT_CERTIFICATE_PATH"]
    credential = sdk.credential("CertificateCredential", "adfs", place.environment.client_id, path)
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(SCOPE)
    assert azcred.journal.requests()


@pytest.mark.parametrize(
    "header", ["Basic", "Basic realm=/var/opt/azcmagent/tokens/folder.key"], ids=["no file", "a folder"]
)
def test_a_challenge_of_arc_by_hand(azcred: Azcred, sdk: Sdk, header: str) -> None:
    """It names no file, or one that is no file."""
    place = azcred.environment("azure-arc")
    (azcred._emulators.machine_folder / "var/opt/azcmagent/tokens/folder.key").mkdir(parents=True)
    place.faults.add(Status(401, headers={"WWW-Authenticate": header}), operation="challenge")
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError, OSError)):
        sdk.credential("ManagedIdentityCredential").get_token(SCOPE)
    azcred.journal.assert_tokens(times=0)
    (azcred._emulators.machine_folder / "var/opt/azcmagent/tokens/folder.key").rmdir()
