"""Fixtures that use a server: `pytest --azcred-server URL`."""

import pytest

from azcred_emulators.standalone.control.client import ControlClient
from azcred_emulators.standalone.server import StandaloneServer

SUITE = """
import jwt
import pytest
import requests
from azcred_emulators.directory import Application, ManagedIdentity
from azcred_emulators.faults import Status
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential, DeviceCodeCredential, InteractiveBrowserCredential
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from pytest_azcred import Answer

SCOPE = "https://vault.azure.net/.default"


@pytest.mark.azcred("virtual-machine", "app-service", "azure-arc", "kubernetes", "developer-azure-cli")
def test_places(azcred):
    with DefaultAzureCredential() as credential:
        token = credential.get_token(SCOPE).token
    claims = jwt.decode(token, options={"verify_signature": False})
    place = azcred.place
    assert claims["upn"] == place.environment.user if place.environment.user else place.identity.client_id
    azcred.journal.assert_tokens(times=1)
    assert len(azcred.journal.requests()) >= 1


def test_the_clock(azcred, fake_managed_identity):
    with DefaultAzureCredential() as credential:
        first = credential.get_token(SCOPE)
        azcred.clock.advance(hours=25)
        assert credential.get_token(SCOPE).token != first.token
    azcred.journal.assert_tokens(host="imds", times=2)


def test_faults(azcred, fake_app_service):
    fake_app_service.faults.add(Status(500), times=2)
    with ManagedIdentityCredential(retry_backoff_factor=0) as credential:
        credential.get_token(SCOPE)
    assert fake_app_service.statuses == [500, 500, 200]


def test_faults_that_stay(azcred, fake_app_service):
    fake_app_service.faults.add(Status(500))


def test_directory(azcred, fake_managed_identity):
    tenant_id = fake_managed_identity.identity.tenant_id
    orders = azcred.directory.add(ManagedIdentity(name="orders", tenant_id=tenant_id, resource_id="/orders"))
    azcred.directory.assign("imds", orders)
    with ManagedIdentityCredential(client_id=orders.client_id) as credential:
        credential.get_token(SCOPE)
    assert fake_managed_identity.requests()[-1].identity == "orders"


def test_a_revoked_secret(azcred, fake_service_principal):
    azcred.directory.replace(fake_service_principal.identity, secrets=())
    with DefaultAzureCredential() as credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(SCOPE)


def test_resources(azcred, fake_workload_identity):
    vault = azcred.resource("https://shop.vault.azure.net")
    vault.answer("GET", "/secrets/database", json={"value": "hunter2", "id": f"{vault.url}/secrets/database/1"})
    with DefaultAzureCredential() as credential, SecretClient(vault.url, credential) as client:
        assert client.get_secret("database").value == "hunter2"
        with pytest.raises(ResourceNotFoundError):
            client.get_secret("other")


def test_stand_ins(azcred, fake_workload_identity):
    vault = azcred.resource("https://stand-in.vault.azure.net").fill(secrets={"database": "hunter2"})
    vault.answer("GET", "/states", Answer(202), Answer(json=["made"]), anonymous=True)
    assert [requests.get(f"{vault.url}/states").status_code for _ in range(2)] == [202, 200]
    with DefaultAzureCredential() as credential, SecretClient(vault.url, credential) as client:
        assert client.get_secret("database").value == "hunter2"
        client.set_secret("other", "value")
        assert vault.content["secrets"] == {"database": "hunter2", "other": "value"}
        assert vault.requests[-1].json["value"] == "value"
        assert vault.requests[-1].identity == fake_workload_identity.identity.name
        vault.allow("dana@contoso.com")
        with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
            client.get_secret("database")
    with pytest.raises(RuntimeError, match="an answer by a function cannot be had from a server"):
        vault.answer("GET", "/", lambda request: {})
    with pytest.raises(RuntimeError, match="resource.websocket cannot be had from a server"):
        vault.websocket("/", print)


def test_tokens(azcred):
    keys = requests.get("https://login.microsoftonline.com/common/discovery/v2.0/keys").json()
    token = azcred.tokens.mint({"aud": "api://orders", "roles": ["Read"]}).value
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, ["RS256"], audience="api://orders")["roles"] == ["Read"]


def test_a_person_signs_in(fake_browser):
    InteractiveBrowserCredential().get_token(SCOPE)
    assert len(fake_browser.opened) == 1


def test_a_device_code(fake_device_login):
    credential = DeviceCodeCredential(prompt_callback=lambda address, code, expires: fake_device_login(code))
    credential.get_token(SCOPE)


def test_an_api_of_your_own(azcred, fake_managed_identity):
    api = azcred.resource("https://orders.contoso.com")
    tenant_id = azcred.directory.tenants()[0].id
    azcred.directory.add(Application(name="orders", tenant_id=tenant_id, identifier_uris=(api.url,)))
    api.answer("POST", "/orders", status=201, data=b"taken", headers={"Location": "/orders/1"})
    with DefaultAzureCredential() as credential:
        token = credential.get_token(f"{api.url}/.default").token
    answer = requests.post(f"{api.url}/orders", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.text, answer.headers["Location"]) == (201, "taken", "/orders/1")


def test_tls_in_front_of_a_server_of_your_own(azcred):
    azcred.route("orders.contoso.com", "http://127.0.0.1:9")
    assert requests.get("https://orders.contoso.com").status_code == 502


def test_what_there_is_not(azcred):
    azcred.issuers


def test_storage(azurite):
    pass
"""


def test_every_fixture_uses_the_server(
    pytester: pytest.Pytester, server: StandaloneServer, client: ControlClient
) -> None:
    """What tests do in this process they can do with a server; what they cannot is said."""
    pytester.makepyfile(SUITE)
    client.post("/faults", {"emulator": "imds", "kind": "Gone"})
    result = pytester.runpytest_subprocess("--azcred-server", client.url, "-p", "no:randomly")
    result.assert_outcomes(passed=17, failed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*azcred: 1 of * faults for 'app-service' was never reached: Status(500).",
            "azurite: the accounts answer by the emulators of the test's own process, * run this test without *",
            "*'issuers' cannot be had from a server; run this test without --azcred-server",
        ]
    )
    assert client.get("/journal")["entries"] == []
    assert [fault["kind"] for fault in client.get("/faults")["faults"]["imds"]] == ["Gone"]
    assert list(server.sessions) == ["main"]


SCOPES = """
import os

import jwt
import pytest
import pytest_azcred
import requests
from azcred_emulators.directory import User
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AzureCliCredential, DefaultAzureCredential, ManagedIdentityCredential
from azure.identity import WorkloadIdentityCredential

SCOPE = "https://vault.azure.net/.default"
VAULT = "https://shop.vault.azure.net"
kept = []


def get(token):
    return requests.get(f"{VAULT}/secrets", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="session")
def shared(azcred_session):
    azcred_session.environment("kubernetes")
    azcred_session.resource(VAULT).answer("GET", "/secrets")
    with WorkloadIdentityCredential() as credential:
        yield credential


def test_inside(shared, azcred_session, azcred):
    assert azcred.place.environment.name == "kubernetes"
    azcred.environment("virtual-machine")
    assert "AZURE_FEDERATED_TOKEN_FILE" not in os.environ
    with DefaultAzureCredential() as credential:
        assert get(credential.get_token(SCOPE).token).status_code == 200
    azcred.journal.assert_tokens(provider="managed-identity", times=1)
    azcred.clock.advance(hours=30)  # the session's token file has been renewed meanwhile
    assert get(shared.get_token(SCOPE).token).status_code == 200
    azcred.journal.assert_tokens(provider="workload-identity", times=1)
    tenant_id = azcred_session.place.identity.tenant_id
    azcred.directory.add(User(name="Ada", tenant_id=tenant_id, principal_name="ada@contoso.com"))


def test_nothing_of_it_is_left(shared, azcred):
    assert azcred.directory.user("ada@contoso.com") is None
    assert azcred.place.environment.name == "kubernetes"
    with DefaultAzureCredential() as credential:
        credential.get_token(SCOPE)
    azcred.journal.assert_tokens(provider="workload-identity", times=1)


def test_scopes_within_scopes(shared):
    with pytest_azcred.environment("developer-azure-cli") as outer:
        AzureCliCredential().get_token(SCOPE)
        with pytest_azcred.environment("app-service") as inner:
            with pytest.raises(Exception, match="Azure CLI not found"):
                AzureCliCredential().get_token(SCOPE)
            with ManagedIdentityCredential() as credential:
                kept.append(credential.get_token(SCOPE).token)
            assert inner.place.statuses == [200]
        AzureCliCredential().get_token(SCOPE)
        assert [entry.provider for entry in outer.journal.requests()] == ["azure-cli", "managed-identity", "azure-cli"]


def test_a_token_of_an_ended_scope(shared, azcred):
    assert get(kept[0]).status_code == 401
    assert "issued in another test" in str(azcred.journal)
"""


def test_scopes_stack(pytester: pytest.Pytester, server: StandaloneServer, client: ControlClient) -> None:
    """Layers of the session are the scopes: a session's place is hidden inside, and works on for its credential."""
    pytester.makepyfile(SCOPES)
    result = pytester.runpytest_subprocess("--azcred-server", client.url, "-p", "no:randomly")
    result.assert_outcomes(passed=4)
    assert list(server.sessions) == ["main"]


def test_a_server_that_is_not_there(pytester: pytest.Pytester) -> None:
    """The error names it, in a line."""
    pytester.makepyfile("def test_it(azcred): pass")
    result = pytester.runpytest_subprocess("--azcred-server", "http://127.0.0.1:1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*--azcred-server: no azcred server answers at http://127.0.0.1:1: *"])


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one-process", "xdist"])
@pytest.mark.usefixtures("server")
def test_coverage_of_a_server(pytester: pytest.Pytester, client: ControlClient, options: tuple[str, ...]) -> None:
    """What a server's emulators saw is counted as well, of each worker's session."""
    pytester.makepyfile(SUITE)
    select = ("-k", "test_places or test_the_clock")
    result = pytester.runpytest_subprocess("--azcred-server", client.url, "--azcred-coverage", *select, *options)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["workload-identity * 1", "managed-identity * 4 * 1", "azure-cli * 1 *"])


def test_a_lifetime_is_for_emulators_in_this_process(pytester: pytest.Pytester) -> None:
    """It is refused rather than ignored."""
    result = pytester.runpytest_subprocess("--azcred-server", "http://127.0.0.1:1", "-o", "azcred_token_lifetime=5 min")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: azcred_token_lifetime: it cannot be set for the tokens of a server; *"])
