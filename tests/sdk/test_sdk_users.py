"""Users who come back: caches on disk, records of who signed in, and silent renewal."""

from __future__ import annotations

import asyncio
import os
import pickle
from pathlib import Path
from typing import Any

import azure.identity
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthenticationRecord,
    AuthenticationRequiredError,
    AzureAuthorityHosts,
    CredentialUnavailableError,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    SharedTokenCacheCredential,
    TokenCachePersistenceOptions,
    UsernamePasswordCredential,
)
from support.sdk import Sdk

from azcred_emulators.directory import User, contoso, identifiers
from azcred_emulators.faults import MissingField, MistypedField, Refuse, Status
from pytest_azcred.azcred import Azcred

SCOPE = "https://vault.azure.net/.default"
TENANT = contoso.TENANT.id
CLI = identifiers.AZURE_CLI_CLIENT_ID
CLAIMS = '{"access_token":{"nbf":{"essential":true}}}'

pytestmark = [
    pytest.mark.filterwarnings("ignore:UsernamePasswordCredential is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This API has been deprecated for public client flows:DeprecationWarning"),
]


def on_disk(**options: Any) -> TokenCachePersistenceOptions:
    """Return the cache that every developer's tool shares; it is in the test's own home folder."""
    return TokenCachePersistenceOptions(allow_unencrypted_storage=True, **options)


def add_user(azcred: Azcred, name: str) -> User:
    """Add a user of the tenant."""
    return azcred.directory.add(User(name=name, tenant_id=TENANT, principal_name=f"{name}@contoso.com", password="pw"))


def sign_in(azcred: Azcred, name: str = "ada", **keywords: Any) -> AuthenticationRecord:
    """Sign a user in by password, into the shared cache, and return the record of it."""
    user = azcred.directory.user(f"{name}@contoso.com") or add_user(azcred, name)
    with UsernamePasswordCredential(
        CLI, user.principal_name, "pw", tenant_id=TENANT, cache_persistence_options=on_disk(), **keywords
    ) as credential:
        record = credential.authenticate(scopes=[SCOPE])
        credential.get_token(SCOPE, enable_cae=True)
    return record


def test_the_shared_cache(azcred: Azcred, sdk: Sdk) -> None:
    """Its one user's token is found, and renewed with the refresh token when it has expired."""
    sign_in(azcred)
    for cae in (False, True):
        credential = sdk.credential("SharedTokenCacheCredential")
        credential.call("__enter__")
        first = credential.get_token(SCOPE, enable_cae=cae, tenant_id=TENANT)
        assert credential.get_token_info(SCOPE, enable_cae=cae).token
        assert credential.get_token(SCOPE, claims=CLAIMS, enable_cae=cae).token != first.token
    azcred.clock.advance(hours=30)
    assert sdk.credential("SharedTokenCacheCredential").get_token_info(SCOPE).token
    assert azcred.journal.requests(grant="refresh_token")


def test_the_default_chain_finds_the_shared_cache(azcred: Azcred, sdk: Sdk) -> None:
    """A refusal there does not end it."""
    sign_in(azcred)
    assert sdk.credential("DefaultAzureCredential", shared_cache_tenant_id=TENANT).get_token(SCOPE).token
    azcred.clock.advance(hours=30)
    azcred.authority.faults.add(Refuse("AADSTS50173"))
    with pytest.raises(ClientAuthenticationError, match="\tAzureCliCredential: "):
        sdk.credential("DefaultAzureCredential", shared_cache_tenant_id=TENANT).get_token(SCOPE)
    sign_in(azcred)
    azcred.clock.advance(hours=30)
    azcred.authority.faults.add(Refuse("AADSTS50173"))
    with pytest.raises(ClientAuthenticationError, match="AADSTS50173"):
        sdk.credential("SharedTokenCacheCredential").get_token(SCOPE)


def test_which_of_the_users(azcred: Azcred, sdk: Sdk) -> None:
    """One must be named if there are several, by name and perhaps by tenant."""
    with pytest.raises(CredentialUnavailableError, match=r"(?i)no accounts"):
        sdk.credential("SharedTokenCacheCredential").get_token(SCOPE)
    sign_in(azcred)
    sign_in(azcred, "grace")
    for keywords, message in (
        ({}, "multiple users|multiple accounts|Multiple users"),
        ({"tenant_id": TENANT}, "multiple|Multiple"),
        ({"username": "nobody@contoso.com"}, "no account|No account|none match"),
        ({"username": "ada@contoso.com", "tenant_id": "other"}, "no account|No account|none match"),
    ):
        with pytest.raises(CredentialUnavailableError, match=f"(?i){message}"):
            sdk.credential("SharedTokenCacheCredential", **keywords).get_token(SCOPE)
    assert sdk.credential("SharedTokenCacheCredential", "ada@contoso.com", tenant_id=TENANT).get_token(SCOPE).token


def test_questions_without_a_scope(azcred: Azcred, sdk: Sdk) -> None:
    """They are refused in this place, too, as is a cache whose file is nothing of the kind."""
    sign_in(azcred)
    credential = sdk.credential("SharedTokenCacheCredential")
    for ask in (credential.get_token, credential.get_token_info):
        with pytest.raises(ValueError, match="at least one scope"):
            ask()


def test_a_user_by_their_record(azcred: Azcred) -> None:
    """The record, which survives a file, finds the user's tokens in the cache, for another tenant too if need be."""
    record = AuthenticationRecord.deserialize(sign_in(azcred).serialize())
    assert (record.client_id, record.username) == (CLI, "ada@contoso.com")
    with SharedTokenCacheCredential(
        authentication_record=record, cache_persistence_options=on_disk(), additionally_allowed_tenants=["*"]
    ) as credential:
        first = credential.get_token(SCOPE)
        assert credential.get_token_info(SCOPE).token == first.token
        assert credential.get_token(SCOPE, claims=CLAIMS, tenant_id=TENANT, enable_cae=True).token != first.token
        with pytest.raises(TypeError, match="cannot pickle"):  # for a lock that its client holds
            pickle.dumps(credential._credential)
        with pytest.raises(ValueError, match="at least one scope"):
            credential.get_token()
        azcred.clock.advance(days=1)
        azcred.authority.faults.add(Refuse("AADSTS50173"))
        with pytest.raises(ClientAuthenticationError, match=r"Token acquisition failed.*AADSTS50173"):
            credential.get_token(SCOPE)
    with pytest.raises(ValueError, match="version"):
        AuthenticationRecord.deserialize('{"version":"0"}')


def test_a_record_of_somebody_else(azcred: Azcred) -> None:
    """Nobody in the cache is meant, by name or by id."""
    record = sign_in(azcred)
    sign_in(azcred, "grace")
    for stranger in (
        AuthenticationRecord(TENANT, CLI, record.authority, record.home_account_id, "nobody@contoso.com"),
        AuthenticationRecord(TENANT, CLI, record.authority, "other.id", record.username),
    ):
        with (
            SharedTokenCacheCredential(
                authentication_record=stranger, cache_persistence_options=on_disk()
            ) as credential,
            pytest.raises(CredentialUnavailableError),
        ):
            credential.get_token(SCOPE)


def test_caches_that_cannot_be(azcred: Azcred, sdk: Sdk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a keyring there is no encrypted one, and in a folder that is a file there is none at all."""
    with pytest.raises((ValueError, ClientAuthenticationError), match="encryption is impossible"):
        sdk.credential(
            "ClientSecretCredential", TENANT, CLI, "s", cache_persistence_options=TokenCachePersistenceOptions()
        ).get_token(SCOPE)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".IdentityService").write_text("a file")
    monkeypatch.setenv("HOME", str(home))
    record = AuthenticationRecord(TENANT, CLI, "login.microsoftonline.com", "a.b", "ada@contoso.com")
    for cae in (False, True):
        with pytest.raises(CredentialUnavailableError):
            sdk.credential("SharedTokenCacheCredential").get_token(SCOPE, enable_cae=cae)
        with (
            SharedTokenCacheCredential(authentication_record=record) as credential,
            pytest.raises(ClientAuthenticationError),
        ):
            credential.get_token(SCOPE, enable_cae=cae)


@pytest.mark.parametrize("kind", ["secret", "certificate", "assertion"])
def test_a_service_principal_with_a_cache_on_disk(azcred: Azcred, sdk: Sdk, kind: str) -> None:
    """One process's token is the next one's."""
    place = azcred.environment("on-premises-certificate" if kind == "certificate" else "on-premises-secret")
    for _ in range(2):
        for cae in (False, True):
            keywords: dict[str, Any] = {"cache_persistence_options": on_disk(name=kind)}
            client = (TENANT, place.environment.client_id)
            if kind == "secret":
                made = sdk.credential("ClientSecretCredential", *client, os.environ["AZURE_CLIENT_SECRET"], **keywords)
            elif kind == "certificate":
                path = os.environ["AZURE_CLIENT_CERTIFICATE_PATH"]
                made = sdk.credential("CertificateCredential", *client, path, **keywords)
            else:
                made = sdk.credential("ClientAssertionCredential", *client, lambda: "no assertion", **keywords)
            made.call("__enter__")
            if kind == "assertion":
                with pytest.raises(ClientAuthenticationError):
                    made.get_token_info(SCOPE, enable_cae=cae)
            else:
                assert made.get_token_info(SCOPE, enable_cae=cae).token
    if kind != "assertion":
        azcred.journal.assert_tokens(times=2)


def test_a_user_who_must_not_be_asked(azcred: Azcred) -> None:
    """The credential says so instead, and what to ask for; with the record and the cache it need not ask."""
    record = sign_in(azcred)
    keywords: dict[str, Any] = {
        "authentication_record": record,
        "disable_automatic_authentication": True,
        "cache_persistence_options": on_disk(),
    }
    with DeviceCodeCredential(tenant_id=TENANT, **keywords) as credential:
        token = credential.get_token_info(SCOPE)
        assert credential.get_token(SCOPE, claims=CLAIMS, tenant_id=TENANT).token != token.token
        azcred.clock.advance(days=1)
        azcred.authority.faults.add(Refuse("AADSTS50173"), Status(500), times=1)
        with pytest.raises(AuthenticationRequiredError) as refused:
            credential.get_token(SCOPE)
        assert (refused.value.scopes, refused.value.claims) == ((SCOPE,), None)
        with pytest.raises(ValueError, match="at least one scope"):
            credential.get_token()
        azcred.authority.faults.clear()
    stranger = AuthenticationRecord(TENANT, CLI, record.authority, "other.id", record.username)
    with (
        DeviceCodeCredential(tenant_id=TENANT, **{**keywords, "authentication_record": stranger}) as credential,
        pytest.raises(AuthenticationRequiredError),
    ):
        credential.get_token(SCOPE)


def test_a_device_code_for_the_terminal(azcred: Azcred, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a callback the message is printed; a refusal of the code itself is an error."""
    azcred.clock.skip_waits()
    with DeviceCodeCredential(CLI, tenant_id=TENANT, timeout=1) as credential:
        with pytest.raises(ClientAuthenticationError, match=r"Timed out|expired"):
            credential.get_token(SCOPE)
        assert "To sign in, use a web browser" in capsys.readouterr().out
        azcred.authority.faults.add(Refuse("AADSTS7000218"), operation="devicecode")
        with pytest.raises(ClientAuthenticationError, match="Couldn't begin authentication: AADSTS7000218"):
            credential.get_token(SCOPE)


@pytest.mark.parametrize("fault", [MissingField("id_token"), MistypedField("id_token", "opaque")], ids=repr)
def test_a_record_that_cannot_be_made(azcred: Azcred, fault: MissingField) -> None:
    """The answer does not say who has signed in."""
    add_user(azcred, "ada")
    azcred.authority.faults.add(fault)
    with (
        UsernamePasswordCredential(CLI, "ada@contoso.com", "pw", tenant_id=TENANT) as credential,
        pytest.raises(ClientAuthenticationError),
    ):
        credential.authenticate(scopes=[SCOPE])


def test_a_cloud_whose_default_scope_nobody_knows(azcred: Azcred) -> None:
    """A record needs a token for something."""
    with (
        DeviceCodeCredential(CLI, authority="login.contoso.example", tenant_id=TENANT) as credential,
        pytest.raises(CredentialUnavailableError, match="scope"),
    ):
        credential.authenticate()


@pytest.mark.parametrize("address", ["http://localhost", "not a url"])
def test_a_redirect_that_cannot_be(azcred: Azcred, address: str) -> None:
    """It needs a host and a port."""
    with pytest.raises(ValueError, match="must be a URL with port"):
        InteractiveBrowserCredential(redirect_uri=address)


def test_a_token_provider(azcred: Azcred, sdk: Sdk) -> None:
    """What apps give to clients that want a function."""
    azcred.environment("virtual-machine")
    credential = sdk.credential("ManagedIdentityCredential")
    module: Any = azure.identity if sdk.half == "sync" else pytest.importorskip("azure.identity.aio")
    provider = module.get_bearer_token_provider(credential.wrapped, SCOPE)
    assert credential._finish(provider()) == credential.get_token(SCOPE).token


def test_names_of_clouds(azcred: Azcred) -> None:
    """One of them is history."""
    with pytest.warns(DeprecationWarning, match="AZURE_GERMANY"):
        assert AzureAuthorityHosts.AZURE_GERMANY == "login.microsoftonline.de"
    with pytest.raises(AttributeError):
        _ = AzureAuthorityHosts.AZURE_MOON


def test_the_loop_is_free(azcred: Azcred) -> None:
    """Copies of the sync half's credentials can be used from another thread's event loop."""
    azcred.environment("virtual-machine")
    with azure.identity.ManagedIdentityCredential() as credential:
        token = asyncio.run(asyncio.to_thread(credential.get_token, SCOPE))
    assert token.token
