"""The rest of what azure-identity does: pods behind a proxy, browsers, pipelines, regions, on-behalf-of."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack, suppress
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, InteractiveBrowserCredential
from support.entra import REDIRECT, SECRET, Entra
from support.leftovers import let_go
from support.sdk import Sdk
from werkzeug.test import Client

from azcred_emulators.directory import ADMIN_CONSENT, contoso, identifiers
from azcred_emulators.faults import MissingField, MistypedField, Refuse, Status
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
TENANT = contoso.TENANT.id
CLI = identifiers.AZURE_CLI_CLIENT_ID


@pytest.fixture
def shop(azcred: Azcred) -> Entra:
    """The tenant, to add apps to and sign users in."""
    return Entra(azcred._emulators, Client(azcred._emulators.application))


@pytest.fixture
def pod(azcred: Azcred) -> Place:
    """A pod whose tokens go through a proxy of the cluster."""
    return azcred.environment("kubernetes-identity-binding")


PROXIES = {
    "http://localhost": "https",
    "https://user:pw@localhost": "username or password",
    "https://localhost/?a=b": "query",
    "https://localhost/#a": "fragment",
}


@pytest.mark.parametrize("address", PROXIES)
def test_a_proxy_that_cannot_be(sdk: Sdk, pod: Place, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Its address is plain https."""
    monkeypatch.setenv("AZURE_KUBERNETES_TOKEN_PROXY", address)
    with pytest.raises(ValueError, match=PROXIES[address]):
        sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True)


def test_certificates_of_a_proxy(
    azcred: Azcred, sdk: Sdk, pod: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From a file that is read again when it changes, and not from two places, nor from an empty or missing file."""
    data = os.environ.get("AZURE_KUBERNETES_CA_DATA")
    text = data or Path(os.environ["AZURE_KUBERNETES_CA_FILE"]).read_text()
    file = tmp_path / "ca.crt"
    file.write_text(text)
    monkeypatch.delenv("AZURE_KUBERNETES_CA_DATA", raising=False)
    monkeypatch.setenv("AZURE_KUBERNETES_CA_FILE", str(file))
    credential = sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True)
    assert credential.get_token(SCOPE).token
    for change in (lambda: file.write_text(""), file.unlink, lambda: file.write_text(text)):
        change()
        if file.exists():
            os.utime(file, (1, 1))
        assert credential.get_token("https://storage.azure.com/.default", tenant_id=TENANT).token
        azcred.clock.advance(hours=2)

    file.write_text("")
    with pytest.raises(ValueError, match="is empty"):
        sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True).get_token(SCOPE)
    file.unlink()
    with pytest.raises(ValueError, match="Failed to read"):
        sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True).get_token(SCOPE)
    monkeypatch.setenv("AZURE_KUBERNETES_CA_DATA", text)
    with pytest.raises(ValueError, match=r"(?i)both|only one|simultaneously"):
        sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True)
    monkeypatch.delenv("AZURE_KUBERNETES_TOKEN_PROXY")
    with pytest.raises(ValueError, match="AZURE_KUBERNETES_TOKEN_PROXY"):
        sdk.credential("WorkloadIdentityCredential", enable_azure_proxy=True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its listener
def test_a_browser_that_does_not_open(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none on this machine."""
    monkeypatch.setattr(webbrowser, "get", lambda _=None: webbrowser.GenericBrowser("false"))
    monkeypatch.setattr(webbrowser, "open", lambda _url: False)
    with ExitStack() as first_choice:
        with suppress(OSError):  # whoever has the port, the credential takes another
            first_choice.enter_context(socket.create_server(("127.0.0.1", 8400)))
        credential = first_choice.enter_context(InteractiveBrowserCredential(tenant_id=TENANT))
        with pytest.raises(CredentialUnavailableError, match="Failed to open a browser"):
            credential.get_token(SCOPE)
    let_go()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its listener
def test_a_port_that_is_taken(azcred: Azcred) -> None:
    """That of the redirect URI."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            InteractiveBrowserCredential(tenant_id=TENANT, redirect_uri=f"http://127.0.0.1:{port}") as credential,
            pytest.raises(CredentialUnavailableError, match="Couldn't start an HTTP server"),
        ):
            credential.get_token(SCOPE)
    let_go()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its listener
def test_a_browser_that_asks_for_more(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """It wants an icon first, and then comes back with a refusal."""
    statuses: list[int] = []
    visits: list[threading.Thread] = []

    def visit(address: str) -> None:
        with suppress(RemoteDisconnected):  # what the credential answers has no end (1.27)
            urlopen(f"{address}/favicon.ico")
        with urlopen(f"{address}/?error=access_denied&error_description=no&state=x&a=1&a=2") as page:
            statuses.append(page.status)

    def show(url: str, *_: object) -> bool:
        address = parse_qs(urlsplit(url).query)["redirect_uri"][0].rstrip("/")
        visits.append(threading.Thread(target=visit, args=(address,)))
        visits[0].start()
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    with (
        InteractiveBrowserCredential(tenant_id=TENANT, timeout=10) as credential,
        pytest.raises(ClientAuthenticationError, match=r"access_denied|state"),
    ):
        credential.get_token(SCOPE)
    visits[0].join()
    assert statuses == [200]
    let_go()


def test_an_authorization_code_that_is_used_up(azcred: Azcred, sdk: Sdk, shop: Entra) -> None:
    """By either method: there is neither a token nor a refresh token left when it has expired."""
    app = shop.add_web_app()
    code = shop.authorize(app, scope=SCOPE)["code"]
    credential = sdk.credential(
        "AuthorizationCodeCredential", TENANT, app.client_id, code, REDIRECT, client_secret=SECRET
    )
    credential.call("__enter__")
    assert credential.get_token_info(SCOPE).token
    assert credential.get_token(SCOPE).token
    azcred.clock.advance(hours=2)
    with pytest.raises(ClientAuthenticationError, match="authorization code"):
        credential.get_token_info(SCOPE)


@pytest.mark.parametrize("fault", [Refuse("AADSTS65001"), MissingField("id_token"), None], ids=repr)
def test_on_behalf_of_somebody(azcred: Azcred, sdk: Sdk, shop: Entra, fault: Any) -> None:
    """A refusal is passed on; an answer that does not say who it is about is good for once."""
    api = shop.add_api(permission_grants=(ADMIN_CONSENT,))
    assertion = shop.sign_in(shop.add_web_app(), scope="api://orders/Orders.Read")["access_token"]
    credential = sdk.credential(
        "OnBehalfOfCredential", TENANT, api.client_id, user_assertion=assertion, client_secret=SECRET
    )
    credential.call("__enter__")
    if fault:
        azcred.authority.faults.add(fault)
    if isinstance(fault, Refuse):
        with pytest.raises(ClientAuthenticationError, match="AADSTS65001"):
            credential.get_token_info(SCOPE)
    else:
        assert credential.get_token_info(SCOPE).token
    azcred.journal.assert_requests(operation="token", resource="https://vault.azure.net", times=1)


PIPELINE = {"tenant_id": TENANT, "client_id": CLI, "service_connection_id": "s", "system_access_token": "t"}


def test_a_pipeline_without_its_variables(azcred: Azcred, sdk: Sdk) -> None:
    """The credential is unavailable outside of a job."""
    credential = sdk.credential("AzurePipelinesCredential", **PIPELINE)
    for ask in (credential.get_token, credential.get_token_info):
        with pytest.raises(CredentialUnavailableError, match="SYSTEM_OIDCREQUESTURI"):
            ask(SCOPE)


@pytest.mark.parametrize("fault", [Status(403), MissingField("oidcToken"), None], ids=repr)
def test_a_pipeline_whose_service_answers_oddly(
    azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    """It refuses, or forgets the token."""
    pipeline = azcred._emulators.pipelines["azure-pipelines"]
    url = f"{azcred._emulators.http.url}/azure-pipelines"
    for name, value in pipeline.variables(url).items():
        monkeypatch.setenv(name, value)
    arguments = {
        **PIPELINE,
        "service_connection_id": os.environ["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
        "system_access_token": os.environ["SYSTEM_ACCESSTOKEN"],
    }
    credential = sdk.credential("AzurePipelinesCredential", **arguments)
    if fault:
        pipeline.faults.add(fault)
    with pytest.raises(ClientAuthenticationError, match=r"OIDC|AADSTS"):
        credential.get_token_info(SCOPE)


def test_a_region(azcred: Azcred, sdk: Sdk, fake_service_principal: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the variable; found out by itself on a machine that knows."""
    for region in ("westeurope", "TryAutoDetect"):
        monkeypatch.setenv("AZURE_REGIONAL_AUTHORITY_NAME", region)
        monkeypatch.setenv("REGION_NAME", "westeurope")
        assert sdk.credential("EnvironmentCredential").get_token(SCOPE).token


def test_an_authority_that_is_none(azcred: Azcred, sdk: Sdk) -> None:
    """The sync half asks Microsoft whether it is one of its own; the other half sends it the secret at once."""
    azcred.route("login.contoso.example", azcred._emulators.https.url)
    credential = sdk.credential("ClientSecretCredential", TENANT, CLI, "s", authority="login.contoso.example")
    with pytest.raises(ClientAuthenticationError, match=r"Unexpected response|is not well-known"):
        credential.get_token(SCOPE)


TOKEN = "token"
# What the chain makes of an answer, for a secret and for an assertion, in the sync half and in the other.
ODD: list[tuple[Any, str]] = [
    (Status(200, body={}), "failed failed failed failed"),
    (Status(200, body=[]), "failed failed failed failed"),
    (Status(200, body={"error": "e"}), "failed failed failed failed"),
    (MistypedField("access_token", "opaque"), "token token token token"),
    (MistypedField("client_info", "opaque"), "failed failed failed failed"),
    (Refuse("AADSTS50173"), "failed failed failed failed"),
]
_PLACES = ("developer-service-principal", "kubernetes")


@pytest.mark.parametrize(("fault", "outcomes"), ODD, ids=[repr(one) for one, _ in ODD])
@pytest.mark.parametrize("place", _PLACES)
def test_odd_answers_of_the_token_service(azcred: Azcred, sdk: Sdk, place: str, fault: Any, outcomes: str) -> None:
    """They are failures, whatever is in them; a token that is no JWT is a token all the same."""
    here = azcred.environment(place)
    here.faults.add(fault)
    credential = sdk.credential("DefaultAzureCredential")
    expected = outcomes.split()[2 * _PLACES.index(place) + (sdk.half == "aio")]
    if expected == TOKEN:
        assert credential.get_token(SCOPE).token
    else:
        with pytest.raises(ClientAuthenticationError):
            credential.get_token(SCOPE)
    assert here.statuses[0] == (400 if isinstance(fault, Refuse) else 200)


def test_a_copy_after_a_token(azcred: Azcred, sdk: Sdk, fake_service_principal: Place) -> None:
    """It has a cache of its own."""
    credential = sdk.credential("EnvironmentCredential")
    token = credential.get_token(SCOPE).token
    if sdk.half == "sync":
        copy: Callable[..., Any] = pickle.loads(pickle.dumps(credential.wrapped)).get_token
        assert copy(SCOPE).token != token


def test_a_user_by_name_and_password_in_the_variables(
    azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync half still takes them, and warns."""
    azcred.environment("nothing")
    user = azcred.directory.user(identifiers.USER_ID)
    assert user is not None
    for name, value in (("USERNAME", user.principal_name), ("PASSWORD", user.password), ("CLIENT_ID", CLI)):
        monkeypatch.setenv(f"AZURE_{name}", value)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    if sdk.half == "sync":
        with pytest.warns(DeprecationWarning, match="doesn't support multifactor authentication"):
            credential = sdk.credential("EnvironmentCredential")
        with pytest.warns(DeprecationWarning, match="deprecated for public client flows"):
            assert credential.get_token_info(SCOPE).token
    else:
        with pytest.raises(CredentialUnavailableError):
            sdk.credential("EnvironmentCredential").get_token_info(SCOPE)


def test_keywords_of_the_default_chain(azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every provider can be left out, and a browser of the app's own client added."""
    azcred.environment("virtual-machine")
    excluded = [
        "environment",
        "workload_identity",
        "shared_token_cache",
        "visual_studio_code",
        "cli",
        "powershell",
        "developer_cli",
        "broker",
    ]
    keywords: dict[str, object] = {f"exclude_{name}_credential": True for name in excluded}
    if sdk.half == "sync":
        keywords |= {
            "exclude_interactive_browser_credential": False,
            "interactive_browser_client_id": CLI,
            "broker_client_id": CLI,
        }
    assert sdk.credential("DefaultAzureCredential", **keywords).get_token(SCOPE).token
    with pytest.raises(ValueError, match=r"(?i)at least one credential|exclude"):
        sdk.credential(
            "DefaultAzureCredential",
            exclude_managed_identity_credential=True,
            **{**keywords, "exclude_interactive_browser_credential": True},
        )
