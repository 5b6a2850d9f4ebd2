"""Tokens that the process keeps beyond the test that they were issued in: nobody takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import azure.identity
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.keyvault.secrets import SecretClient

from azcred_emulators.directory import ADMIN_CONSENT, Application, ClientSecret, User, contoso, identifiers
from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred
from pytest_azcred.browser import DeviceLogin
from pytest_azcred.run import Run

pytestmark = pytest.mark.slow

SCOPE = "https://vault.azure.net/.default"
GRAPH, ARM, VAULT = "https://graph.microsoft.com", "https://management.azure.com", "https://shop.vault.azure.net"
SENTENCE = (
    "the token was issued in another test, and something in the process has kept it: make the client or credential "
    "anew in each test, or clear the cache that holds it"
)
URLS = {
    "https://vault.azure.net": f"{VAULT}/secrets",
    GRAPH: f"{GRAPH}/v1.0/me",
    ARM: f"{ARM}/tenants?api-version=2022-12-01",
}
ORDERS = "api://orders/Orders.Read"
CLI = identifiers.AZURE_CLI_CLIENT_ID


def api(azcred: Azcred) -> Application:
    """Add an API that calls another one on its users' behalf."""
    return azcred.directory.add(
        Application(
            name="orders",
            tenant_id=contoso.TENANT.id,
            identifier_uris=("api://orders",),
            oauth2_permission_scopes=("Orders.Read",),
            secrets=(ClientSecret("orders~secret"),),
            permission_grants=(ADMIN_CONSENT,),
        )
    )


def answer(url: str, token: str) -> requests.Response:
    """Send a request with a token."""
    with requests.Session() as session:
        return session.get(url, headers={"Authorization": f"Bearer {token}"})


NextTest = Callable[[], AbstractContextManager[Azcred]]


@pytest.fixture(params=["alone", "in a session's scope"])
def next_test(request: pytest.FixtureRequest, azcred_emulators: Emulators) -> Iterator[NextTest]:
    """Return what begins the next test, within the scope of a session that uses the emulators too, or without."""
    run = Run(lambda: nullcontext(azcred_emulators))
    with run.scope("the session") if request.param != "alone" else nullcontext():
        yield lambda: run.scope("a test")


@pytest.mark.parametrize("audience", URLS)
def test_a_token_that_a_cache_has_kept(next_test: NextTest, audience: str) -> None:
    """It is refused with a sentence that the client gets and the journal has."""

    @lru_cache
    def token() -> str:
        with azure.identity.AzureCliCredential() as credential:
            return str(credential.get_token(f"{audience}/.default").token)

    with next_test() as azcred:
        azcred.environment("developer-azure-cli")
        azcred.resource(VAULT).answer("GET", "/secrets")
        assert answer(URLS[audience], token()).status_code == 200
    with next_test() as azcred:
        azcred.environment("developer-azure-cli")
        azcred.resource(VAULT).answer("GET", "/secrets")
        refused = answer(URLS[audience], token())
        assert refused.status_code == 401
        assert SENTENCE in refused.text
        assert SENTENCE in str(azcred.journal)
        token.cache_clear()
        assert answer(URLS[audience], token()).status_code == 200


def test_what_the_clients_exception_says(next_test: NextTest) -> None:
    """A client at class level, and a token that a test has minted."""

    class Repository:
        client: SecretClient | None = None

        def read(self) -> str | None:
            if Repository.client is None:
                Repository.client = SecretClient(VAULT, azure.identity.ManagedIdentityCredential())
            return Repository.client.get_secret("name").value

    secret = {"value": "hunter2", "id": f"{VAULT}/secrets/name/1"}
    with next_test() as azcred:
        azcred.environment("virtual-machine")
        azcred.resource(VAULT).answer("GET", "/secrets/name", json=secret)
        assert Repository().read() == "hunter2"
        minted = azcred.tokens.mint({"aud": "https://vault.azure.net"}).value
        assert answer(f"{VAULT}/secrets/name", minted).status_code == 200
    with next_test() as azcred:
        azcred.environment("virtual-machine")
        azcred.resource(VAULT).answer("GET", "/secrets/name", json=secret)
        with pytest.raises(HttpResponseError, match=SENTENCE):
            Repository().read()
        assert SENTENCE in answer(f"{VAULT}/secrets/name", minted).text
    assert Repository.client is not None
    Repository.client.close()


def test_an_assertion_and_a_refresh_token(next_test: NextTest) -> None:
    """A user's token at an API that acts for them, and what msal keeps in a global cache."""
    cache = msal.TokenCache()

    user = User(name="Ada", tenant_id=contoso.TENANT.id, principal_name="ada@contoso.com", password="pw")

    def sign_in() -> dict[str, Any]:
        authority = f"https://login.microsoftonline.com/{contoso.TENANT.id}"
        with requests.Session() as session:
            app = msal.PublicClientApplication(CLI, authority=authority, token_cache=cache, http_client=session)
            for account in app.get_accounts():
                return dict(app.acquire_token_silent_with_error([ORDERS], account, force_refresh=True))
            with pytest.deprecated_call():
                return dict(app.acquire_token_by_username_password(user.principal_name, user.password, [ORDERS]))

    def exchange(orders: Application, assertion: str) -> str:
        with azure.identity.OnBehalfOfCredential(
            contoso.TENANT.id, orders.client_id, client_secret="orders~secret", user_assertion=assertion
        ) as credential:
            return credential.get_token(f"{GRAPH}/.default").token

    with next_test() as azcred:
        azcred.directory.add(user)
        orders = api(azcred)
        kept = sign_in()["access_token"]
        assert exchange(orders, kept)
    with next_test() as azcred:
        azcred.directory.add(user)
        azcred.directory.add(orders)
        with pytest.raises(ClientAuthenticationError, match=SENTENCE):
            exchange(orders, kept)
        assert SENTENCE in str(azcred.journal)
        azcred.journal.clear()
        refused = sign_in()
        assert SENTENCE in refused["error_description"]
        assert SENTENCE in str(azcred.journal)


@pytest.mark.parametrize("first", ["the session", "a test"])
def test_a_credential_of_the_session(azcred_emulators: Emulators, first: str) -> None:
    """Its tokens are good in every test, whoever asked first, also in tests whose own place has another identity."""
    run = Run(lambda: nullcontext(azcred_emulators))
    with run.scope("the session") as session, azure.identity.ManagedIdentityCredential() as credential:
        session.environment("virtual-machine")
        shop = session.directory.add(
            Application(name="shop", tenant_id=contoso.TENANT.id, secrets=(ClientSecret("shop~secret"),))
        )
        session.resource(VAULT).answer("GET", "/secrets")
        with azure.identity.ClientSecretCredential(contoso.TENANT.id, shop.client_id, "shop~secret") as own:
            if first == "the session":
                credential.get_token(SCOPE)
                own.get_token(SCOPE)
            for place in ("kubernetes", "developer-azure-cli", "virtual-machine"):
                with run.scope("a test") as test:
                    test.environment(place)
                    for each in (credential, own):
                        assert answer(f"{VAULT}/secrets", each.get_token(SCOPE).token).status_code == 200
        session.journal.assert_tokens(times=2)


def test_a_token_that_is_not_valid_yet(azcred_emulators: Emulators) -> None:
    """One that was issued on a clock that has gone back since is good, one with a date in the future is not."""
    run = Run(lambda: nullcontext(azcred_emulators))
    with run.scope("the session") as session, azure.identity.ManagedIdentityCredential() as credential:
        session.environment("virtual-machine")
        session.resource(VAULT).answer("GET", "/secrets")
        audience = {"aud": "https://vault.azure.net"}
        with run.scope("a test") as test:
            test.clock.advance("25 h")
            late = credential.get_token(SCOPE).token
        with run.scope("the next test"):
            dated = session.tokens.mint({**audience, "nbf": int(session.clock.now()) + 3600}).value
            for early in (dated, session.tokens.forge("not-yet-valid", audience)):
                assert "the token is not valid yet" in answer(f"{VAULT}/secrets", early).text
            assert answer(f"{VAULT}/secrets", late).status_code == 200
        assert answer(f"{VAULT}/secrets", late).status_code == 200


def test_users_of_the_session(azcred_emulators: Emulators) -> None:
    """A device code's refresh token, and a token on behalf of a user, outlive the tests in which they are renewed."""
    run = Run(lambda: nullcontext(azcred_emulators))
    with run.scope("the session") as session:
        orders = api(session)
        user = session.directory.users()[0]
        login = DeviceLogin(session.directory)
        device = azure.identity.DeviceCodeCredential(
            tenant_id=contoso.TENANT.id, prompt_callback=lambda _uri, code, _expires: login(code, user=user)
        )
        with device:
            assertion = device.get_token(ORDERS).token
            behalf = azure.identity.OnBehalfOfCredential(
                contoso.TENANT.id, orders.client_id, client_secret="orders~secret", user_assertion=assertion
            )
            with behalf:
                for clock in ("1 min", "25 h", "1 min", "10 min"):
                    with run.scope("a test") as test:
                        test.environment("kubernetes")
                        test.clock.advance(clock)
                        assert (
                            answer(f"{GRAPH}/v1.0/me", device.get_token(f"{GRAPH}/User.Read").token).status_code == 200
                        )
                        assert answer(URLS[ARM], device.get_token(f"{ARM}/.default").token).status_code == 200
                        if clock != "25 h":  # what the user has sent has expired
                            assert (
                                answer(f"{GRAPH}/v1.0/me", behalf.get_token(f"{GRAPH}/.default").token).status_code
                                == 200
                            )
                    assert answer(URLS[ARM], device.get_token(f"{ARM}/.default").token).status_code == 200
                    assert device.get_token("https://storage.azure.com/.default")
