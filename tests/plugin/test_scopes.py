"""Scopes within scopes: what an outer one has set up is there inside, and what an inner one changes ends with it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import azure.identity
import azure.identity.aio
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError

import pytest_azcred
import pytest_azcred.credentials
import pytest_azcred.credentials.aio
from azcred_emulators.directory import Application, ClientSecret, User, contoso
from azcred_emulators.environments import ENVIRONMENTS, Environment
from azcred_emulators.faults import Status
from pytest_azcred.azcred import Azcred
from pytest_azcred.run import present_run

SCOPE = "https://vault.azure.net/.default"
GRAPH, ARM = "https://graph.microsoft.com", "https://management.azure.com"
TENANT = contoso.TENANT.id
SHOP = "https://shop.vault.azure.net"
IDENTIFIED = [one for one in ENVIRONMENTS.values() if one.provider]


def token(credential: Any, scope: str = SCOPE) -> str:
    """Return a token, whichever half the credential is of."""
    return str(credential.get_token(scope).token)


def get(url: str, token: str = "") -> int:
    """Send a request with a token, and return the answer's status."""
    with requests.Session() as session:
        return session.get(url, headers={"Authorization": f"Bearer {token}"} if token else {}).status_code


@pytest.fixture
def chain() -> Iterator[azure.identity.ChainedTokenCredential]:
    """A chain that is made in the place of the outer scope."""
    with azure.identity.DefaultAzureCredential() as credential:
        yield credential


class TestOneClass:
    """`azcred_class` and `azcred` hand out the same things, one within the other."""

    def test_first(self, azcred_class: Azcred, azcred: Azcred) -> None:
        """What the test changes is its own."""
        assert azcred_class.place is azcred.place is None
        azcred.directory.add(User(name="Ada", tenant_id=TENANT, principal_name="ada@contoso.com"))
        azcred.environment("virtual-machine")
        assert azcred_class.place is None

    def test_second(self, azcred_class: Azcred, azcred: Azcred) -> None:
        """So the next test, in any order, finds nothing of it."""
        assert azcred.place is None
        assert azcred.directory.user("ada@contoso.com") is None


def test_what_an_outer_scope_has_is_there_inside(azcred: Azcred) -> None:
    """Routes, resources and their answers, tools, entities of the directory, and the place."""
    azcred.environment("virtual-machine")
    azcred.install("az")
    ada = azcred.directory.add(User(name="Ada", tenant_id=TENANT, principal_name="ada@contoso.com"))
    azcred.resource(SHOP).answer("GET", "/secrets")
    with pytest_azcred.environment() as inner:
        assert inner.place is not None
        assert inner.place.environment.name == "virtual-machine"
        assert inner.directory.user("ada@contoso.com") is ada
        assert shutil.which("az")
        with azure.identity.DefaultAzureCredential() as credential:
            assert get(f"{SHOP}/secrets", token(credential)) == 200
        assert inner.place.statuses == [400, 200]
        inner.journal.assert_tokens(host="imds", times=1)
    azcred.journal.assert_tokens(host="imds", times=1)


def test_what_an_inner_scope_changes_ends_with_it(azcred: Azcred) -> None:
    """Routes, resources, answers, tools, entities, faults and the clock."""
    vault = azcred.resource(SHOP)
    vault.answer("GET", "/secrets")
    shop = azcred.directory.add(Application(name="shop", tenant_id=TENANT, secrets=(ClientSecret("old"),)))
    routes, started = azcred.routes, azcred.clock.now()
    with pytest_azcred.environment("developer-azure-cli") as inner:
        inner.resource(SHOP).answer("GET", "/secrets", status=503)
        inner.resource("https://other.vault.azure.net")
        inner.route("orders.contoso.com", "http://127.0.0.1:9")
        inner.install("pwsh")
        inner.directory.replace(shop, secrets=(ClientSecret("new"),))
        inner.directory.add(User(name="Ada", tenant_id=TENANT, principal_name="ada@contoso.com"))
        inner.tokens.lifetime = "5 min"
        inner.clock.advance(days=3)
        inner.authority.faults.add(Status(500), optional=True)
        assert shutil.which("az")
        assert shutil.which("pwsh")
    assert azcred.routes == routes
    assert azcred.clock.now() - started < 3600
    assert azcred.directory.principal(shop.client_id) == shop
    assert azcred.directory.user("ada@contoso.com") is None
    assert azcred.tokens.lifetime is None
    assert not azcred.authority.faults
    assert shutil.which("az") is shutil.which("pwsh") is None
    azcred.environment("virtual-machine")
    with azure.identity.ManagedIdentityCredential() as credential:
        assert get(f"{SHOP}/secrets", token(credential)) == 200
    with pytest.raises(RuntimeError, match=r"azcred refused a connection to 'other\.vault\.azure\.net:443'"):
        get("https://other.vault.azure.net")


def test_files_are_of_the_present_time(azcred: Azcred) -> None:
    """A token file that was renewed while an inner scope's clock stood later is renewed when that is over."""
    azcred.environment("kubernetes")
    with pytest_azcred.environment("virtual-machine") as inner:
        inner.clock.advance(hours=30)
    with azure.identity.DefaultAzureCredential() as credential:
        token(credential)
    azcred.journal.assert_tokens(provider="workload-identity", times=1)


def test_journals(azcred: Azcred) -> None:
    """Each has the requests since its scope began, those of inner scopes included, counted from 1."""
    azcred.environment("virtual-machine")
    with azure.identity.ManagedIdentityCredential() as credential:
        token(credential)
        with pytest_azcred.environment() as inner:
            token(credential, f"{ARM}/.default")
            with pytest_azcred.environment() as innermost:
                token(credential, f"{GRAPH}/.default")
                assert [entry.number for entry in innermost.journal.requests()] == [1]
                innermost.journal.clear()
            inner.journal.assert_tokens(times=2)
        azcred.journal.assert_tokens(times=3)


def test_unspent_faults_are_those_of_their_scope(azcred: Azcred) -> None:
    """Faults of an outer scope are met inside, and one that waits on does not concern the inner one."""
    place = azcred.environment("virtual-machine")
    place.faults.add(Status(500, retry_after=0), Status(503, retry_after=0), optional=True)
    outer = present_run().scopes[-1]
    inner = present_run().begin("inner")
    place.faults.add(Status(418), operation="probe")
    with azure.identity.ManagedIdentityCredential() as credential:
        token(credential)
    assert place.statuses == [500, 503, 200]
    assert "1 of 1 faults for 'imds' was never reached: Status(418)." in inner.unspent_faults()
    present_run().end(inner)
    assert not outer.unspent_faults()
    assert not place.faults


def test_scopes_that_end_in_the_wrong_order(azcred: Azcred) -> None:
    """That is an error, and whatever began inside ends with the outer one."""
    run = present_run()
    before = list(run.scopes)
    outer, inner = run.begin("the outer test"), run.begin("the inner test")
    with pytest.raises(RuntimeError, match="the scope of the outer test ended before that of the inner test"):
        run.end(outer)
    assert run.scopes == before
    run.end(inner)


def test_the_place_that_an_inner_scope_names(azcred: Azcred, chain: azure.identity.ChainedTokenCredential) -> None:
    """It hides variables, tools and hosts of the outer one, which are back afterwards, also after a failure."""
    azcred.environment("on-premises-secret", "developer-azure-cli", "virtual-machine")
    variables, az = dict(os.environ), shutil.which("az")
    assert az
    with pytest.raises(ZeroDivisionError), pytest_azcred.environment("nothing") as inner:  # noqa: PT012  # the body fails
        assert "AZURE_CLIENT_SECRET" not in os.environ
        assert shutil.which("az") is None
        with azure.identity.DefaultAzureCredential() as credential, pytest.raises(ClientAuthenticationError):
            token(credential)
        assert inner.journal.requests() == []
        raise ZeroDivisionError
    assert dict(os.environ) == variables
    assert shutil.which("az") == az
    with azure.identity.DefaultAzureCredential() as credential:
        token(credential)
        token(chain)
    azcred.journal.assert_tokens(provider="environment", times=1)


def test_who_is_signed_in_to_a_tool(azcred: Azcred) -> None:
    """The accounts and the profile's file are out of sight in an inner place, and back afterwards."""
    place = azcred.environment("developer-azure-cli")
    with azure.identity.AzureCliCredential() as credential:
        token(credential)
        with pytest_azcred.environment("developer-azd", "nothing") as inner:
            inner.install("az")
            with pytest.raises(CredentialUnavailableError, match="az login"):
                token(credential)
        token(credential)
    azcred.journal.assert_tokens(identity=place.user.principal_name, provider="azure-cli", times=2)


def test_a_place_that_is_left_early(azcred: Azcred) -> None:
    """The outer scope's is back at once, and again hidden by the next one."""
    azcred.environment("on-premises-secret")
    with pytest_azcred.environment() as inner:
        for name in ("kubernetes", "app-service"):
            with inner.environment(name, "developer-azure-cli"):
                assert "AZURE_CLIENT_SECRET" not in os.environ
                with azure.identity.DefaultAzureCredential() as credential:
                    token(credential)
                inner.journal.assert_tokens(provider=ENVIRONMENTS[name].provider, times=1)
            assert "AZURE_CLIENT_SECRET" in os.environ
            assert shutil.which("az") is None
    assert "AZURE_CLIENT_SECRET" in os.environ


def test_agent_folders(azcred: Azcred) -> None:
    """The folders of Azure Arc's agent are there in their scope, and not inside a place without them."""
    folder = "/opt/azcmagent/bin/himds"
    azcred.environment("azure-arc")
    assert os.path.exists(folder)
    with pytest_azcred.environment("virtual-machine"):
        assert not os.path.exists(folder)
        with azure.identity.DefaultAzureCredential() as credential:
            token(credential)
    assert os.path.exists(folder)
    with azure.identity.DefaultAzureCredential() as credential:
        token(credential)
    azcred.journal.assert_tokens(host="azure-arc", times=1)


@pytest.mark.slow
def test_children_find_the_place_of_the_scope(azcred: Azcred) -> None:
    """A program that is started inside is in the inner scope's place, one that is started afterwards in the outer's."""
    code = f"from azure.identity import DefaultAzureCredential as D; D().get_token({SCOPE!r})"
    azcred.environment("virtual-machine")
    with pytest_azcred.environment("kubernetes") as inner:
        subprocess.run([sys.executable, "-c", code], check=True)
        inner.journal.assert_tokens(provider="workload-identity", times=1)
        inner.journal.assert_tokens(times=1)
    subprocess.run([sys.executable, "-c", code], check=True)
    azcred.journal.assert_tokens(host="imds", times=1)


CHAINS: dict[str, Any] = {
    "azure-identity": azure.identity,
    "azure-identity-aio": azure.identity.aio,
    "ours": pytest_azcred.credentials,
    "ours-aio": pytest_azcred.credentials.aio,
}
# Whose credentials have all they need from the start. Others read variables and files, or start a tool, for each token:
# azure-identity's for hosts with variables, and those of agents and developer tools.
READY = {
    "virtual-machine",
    "scale-set",
    "kubernetes",
    "on-premises-secret",
    "on-premises-certificate",
    "developer-service-principal",
    "developer-browser",
}


@pytest.fixture
def wait() -> Iterator[Callable[[Any], Any]]:
    """Return what waits for a coroutine, in one event loop for the whole test."""
    loop = asyncio.new_event_loop()
    yield lambda result: loop.run_until_complete(result) if asyncio.iscoroutine(result) else result
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.mark.slow
@pytest.mark.parametrize("environment", IDENTIFIED, ids=lambda environment: environment.name)
def test_a_credential_of_an_outer_scope(azcred: Azcred, environment: Environment, wait: Callable[[Any], Any]) -> None:
    """It gets tokens inside, on a later clock too, and they are good there and when the clock is back."""
    azcred.environment(environment.name)
    azcred.resource(SHOP).answer("GET", "/secrets")
    ready = environment.name in READY
    names = [name for name in CHAINS if not (environment.browser and name.endswith("aio"))] if ready else [*CHAINS][:2]
    options = {"exclude_interactive_browser_credential": not environment.browser}
    credentials = {name: CHAINS[name].DefaultAzureCredential(**options) for name in names}
    another = "kubernetes" if environment.name != "kubernetes" else "virtual-machine"
    late: dict[str, str] = {}

    def ask(name: str) -> str:
        value = str(wait(credentials[name].get_token(SCOPE)).token)
        assert get(f"{SHOP}/secrets", value) == 200, name
        return value

    for name in names:
        ask(name)
    with pytest_azcred.environment(*([another] if ready else [])) as inner:
        # What a pipeline signs in with is not renewed.
        inner.clock.advance("25 min" if environment.name in ("azure-pipelines", "github-actions") else "25 h")
        for name in names:
            late[name] = ask(name)
    with pytest_azcred.environment():
        for name in names:
            assert get(f"{SHOP}/secrets", late[name]) == 200, name
            ask(name)
    for credential in credentials.values():
        wait(credential.close())
