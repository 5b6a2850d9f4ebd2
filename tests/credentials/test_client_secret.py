"""An application asks Entra ID with its secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.identity
import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.rest import HttpRequest
from credentials.fakes import (
    CLIENT,
    SECRET,
    TENANT,
    VAULT,
    Authority,
    FakeTransport,
    Reply,
    form,
    refused,
    renewals_ended,
)
from credentials.implementations import Implementation
from freezegun import freeze_time

from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import ClientSecretCredential

DISCOVERY = f"GET /{TENANT}/v2.0/.well-known/openid-configuration"
TOKEN = f"POST /{TENANT}/oauth2/v2.0/token"
GRAPH = "https://graph.microsoft.com/.default"


def credential(transport: FakeTransport, **kwargs: Any) -> ClientSecretCredential:
    return ClientSecretCredential(TENANT, CLIENT, SECRET, transport=transport, **kwargs)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def transport(authority: Authority) -> FakeTransport:
    return FakeTransport(authority)


def test_two_requests_for_the_first_token_and_one_for_the_next(transport: FakeTransport) -> None:
    """The OpenID configuration is fetched once, and a token once."""
    ours = credential(transport)
    with freeze_time("2027-01-15"):
        token = ours.get_token(VAULT)
        assert ours.get_token(VAULT) == token == ("token-1", 1_799_974_800)
        assert ours.get_token(GRAPH).token == "token-2"
    assert transport.sent == [DISCOVERY, TOKEN, TOKEN]


def test_the_form(transport: FakeTransport) -> None:
    """The client credentials grant."""
    credential(transport).get_token(VAULT)
    sent = form(transport.requests[-1])
    assert {name: sent[name] for name in ("grant_type", "client_id", "client_secret", "scope")} == {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scope": VAULT,
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"authority": "https://login.example.com"},
        {"authority": "https://login.example.com", "disable_instance_discovery": True},
        {"authority": "login.microsoftonline.us/"},
    ],
)
def test_the_requests_are_those_of_azure_identity(options: dict[str, Any]) -> None:
    """In order, and to the same hosts: a success, a cached token, another scope, CAE, a challenge."""

    def requests(credential_type: Callable[..., Any]) -> list[tuple[str, dict[str, str]]]:
        transport = FakeTransport(Authority())
        credential = credential_type(TENANT, CLIENT, SECRET, transport=transport, **options)
        for _ in range(2):
            credential.get_token(VAULT)
        credential.get_token(GRAPH)
        credential.get_token(VAULT, enable_cae=True)
        credential.get_token(VAULT, claims='{"access_token": {"nbf": {"value": "1"}}}', enable_cae=True)
        return [
            (f"{request.method} {request.url}", form(request) if request.method == "POST" else {})
            for request in transport.requests
        ]

    assert requests(ClientSecretCredential) == requests(azure.identity.ClientSecretCredential)


def test_the_token_is_the_same_as_with_azure_identity() -> None:
    """Expiry, type and time to renew, too."""
    with freeze_time("2027-01-15"):
        ours, theirs = (
            vars(
                kind(TENANT, CLIENT, SECRET, transport=FakeTransport(Authority(refresh_in=1200))).get_token_info(VAULT)
            )
            for kind in (ClientSecretCredential, azure.identity.ClientSecretCredential)
        )
    assert ours == theirs


def test_a_token_is_renewed(transport: FakeTransport) -> None:
    """Five minutes before it expires, while it is still used."""
    ours = credential(transport)
    with freeze_time("2027-01-15") as clock:
        ours.get_token(VAULT)
        clock.tick(3300)
        assert ours.get_token(VAULT).token == "token-1"
        renewals_ended()
        assert ours.get_token(VAULT).token == "token-2"


def test_a_renewal_that_fails_early_goes_unnoticed(authority: Authority, transport: FakeTransport) -> None:
    """The token at hand is used while it lasts; after that the failure shows."""
    ours = credential(transport)
    with freeze_time("2027-01-15") as clock:
        ours.get_token(VAULT)
        authority.refusal = refused()
        clock.tick(3300)
        assert ours.get_token(VAULT).token == "token-1"
        renewals_ended()
        clock.tick(300)
        with pytest.raises(ClientAuthenticationError):
            ours.get_token(VAULT)


def test_many_threads_make_one_token_request(transport: FakeTransport) -> None:
    """And fetch the OpenID configuration once."""
    ours = credential(transport)
    with ThreadPoolExecutor(20) as pool:
        tokens = set(pool.map(lambda _: ours.get_token(VAULT).token, range(20)))
    assert tokens == {"token-1"}
    assert transport.sent == [DISCOVERY, TOKEN]


def test_many_threads_with_different_scopes_share_the_discovery(transport: FakeTransport) -> None:
    """The tenant is the same for all of them."""
    ours = credential(transport)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ours.get_token(f"api://{number}/.default"), range(8)))
    assert transport.sent == [DISCOVERY] + [TOKEN] * 8


def test_a_refusal_says_why(authority: Authority, transport: FakeTransport) -> None:
    """In Entra ID's words."""
    authority.refusal = refused("AADSTS7000215: Invalid client secret provided.")
    with pytest.raises(ClientAuthenticationError) as raised:
        credential(transport).get_token(VAULT)
    assert str(raised.value) == "Authentication failed: AADSTS7000215: Invalid client secret provided."


def test_an_unknown_tenant_says_why() -> None:
    """msal drops that text; it is shown all the same."""
    transport = FakeTransport(lambda request: refused("AADSTS90002: Tenant 'x' not found.", 400))
    with pytest.raises(ClientAuthenticationError, match="AADSTS90002: Tenant 'x' not found"):
        credential(transport).get_token(VAULT)


def test_an_authority_without_openid_configuration_says_so() -> None:
    """It is probably something else."""
    page = Reply("<html>", 404, content_type="text/html")
    with pytest.raises(ClientAuthenticationError, match=f"{TENANT} has no OpenID configuration"):
        credential(FakeTransport(lambda request: page)).get_token(VAULT)


def test_an_unknown_authority_says_what_to_do() -> None:
    """Entra ID is asked about hosts that msal does not know."""
    transport = FakeTransport(lambda request: Reply({"error": "invalid_instance"}, 400))
    with pytest.raises(ClientAuthenticationError, match="disable_instance_discovery=True"):
        credential(transport, authority="login.example.com").get_token(VAULT)


def test_no_answer_is_a_failure() -> None:
    """A chain must not go on to another identity because the network is down."""

    def unreachable(request: HttpRequest) -> Reply:
        raise ServiceRequestError("connection refused")

    with pytest.raises(ClientAuthenticationError, match="connection refused"):
        credential(FakeTransport(unreachable), retry_total=0).get_token(VAULT)


@pytest.mark.parametrize(
    "answer",
    [
        Reply('{"access_token": "ey-half-a-tok'),
        Reply('{"access_token": "ey-half-a-tok', content_type="text/plain"),
        Reply({"access_token": "ey-half-a-tok"}),
        Reply({"access_token": "ey-half-a-tok", "expires_in": "soon"}),
        Reply(b"\xff ey-half-a-tok"),
        refused(f"the secret {SECRET} is wrong; ey-half"),
        Reply({"access_token": "ey-half-a-tok"}, 503),
    ],
    ids=["cut", "cut-text", "no-expiry", "no-number", "no-text", "echo", "error"],
)
def test_no_secret_and_no_token_in_messages_and_logs(
    answer: Reply, authority: Authority, transport: FakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the answer is, and however verbose the log."""
    authority.refusal = answer
    with caplog.at_level("DEBUG"), pytest.raises(ClientAuthenticationError) as raised:
        credential(transport, logging_enable=True).get_token(VAULT)
    error: BaseException | None = raised.value
    texts = [caplog.text]
    while error:
        texts.append(f"{error} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert SECRET not in str(texts)
    assert "ey-half-a-tok" not in str(texts)


def test_no_secret_and_no_token_in_the_log_of_a_success(
    transport: FakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor in what the credential looks like in a debugger's list."""
    ours = credential(transport, logging_enable=True)
    with caplog.at_level("DEBUG"):
        ours.get_token(VAULT)
    assert SECRET not in caplog.text + repr(ours)
    assert "token-1" not in caplog.text


def test_another_tenant_must_be_allowed(transport: FakeTransport) -> None:
    """By name, or by an asterisk."""
    with pytest.raises(ClientAuthenticationError, match="additionally_allowed_tenants"):
        credential(transport).get_token(VAULT, tenant_id="other")
    for allowed in (["other"], ["*"]):
        credential(transport, additionally_allowed_tenants=allowed).get_token(VAULT, tenant_id="other")
        assert transport.sent[-1] == "POST /other/oauth2/v2.0/token"


def test_multi_tenant_authentication_can_be_switched_off(
    transport: FakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the tenant in the call is ignored."""
    monkeypatch.setenv("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH", "1")
    credential(transport).get_token(VAULT, tenant_id="other")
    assert transport.sent[-1] == TOKEN


@pytest.mark.parametrize("arguments", [("", CLIENT, SECRET), (TENANT, "", SECRET), (TENANT, CLIENT, "")])
def test_nothing_may_be_empty(arguments: tuple[str, str, str]) -> None:
    """It is said at once."""
    with pytest.raises(ValueError, match=r"is empty|is not a tenant"):
        ClientSecretCredential(*arguments)


@pytest.mark.parametrize(
    ("scope", "tenant"), [("a b", None), ("", None), ("scope\n", None), ("scope", "a/b"), ("scope", "x\n")]
)
def test_scopes_and_tenants_are_checked(scope: str, tenant: str | None, transport: FakeTransport) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match="is not a"):
        credential(transport).get_token(scope, tenant_id=tenant)
    assert not transport.sent


def test_a_scope_is_needed(transport: FakeTransport) -> None:
    """By either method."""
    with pytest.raises(ValueError, match='"get_token" requires at least one scope'):
        credential(transport).get_token()
    with pytest.raises(ValueError, match='"get_token_info" requires at least one scope'):
        credential(transport).get_token_info()


def test_an_authority_must_be_https() -> None:
    """A secret is sent there."""
    with pytest.raises(ValueError, match=r"http://localhost.*https"):
        ClientSecretCredential(TENANT, CLIENT, SECRET, authority="http://localhost")


def test_the_authority_can_come_from_the_environment(transport: FakeTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """With or without a scheme, a port or slashes."""
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "localhost:8443/ ")
    credential(transport, disable_instance_discovery=True).get_token(VAULT)
    assert transport.requests[-1].url.startswith(f"https://localhost:8443/{TENANT}/")


def test_a_server_error_is_retried(authority: Authority, transport: FakeTransport) -> None:
    """By the pipeline, so its keywords apply."""
    authority.refusal = Reply({}, 503)
    with pytest.raises(ClientAuthenticationError):
        credential(transport, retry_backoff_factor=0.5).get_token(VAULT)
    assert transport.sent == [DISCOVERY] + [TOKEN] * 4
    assert transport.sleeps == [1.0, 2.0]


def test_the_claims_of_a_challenge_are_sent(transport: FakeTransport) -> None:
    """Together with what CAE adds."""
    credential(transport).get_token(VAULT, claims='{"access_token": {"nbf": 1}}', enable_cae=True)
    claims = json.loads(form(transport.requests[-1])["claims"])
    assert claims == {"access_token": {"nbf": 1, "xms_cc": {"values": ["CP1"]}}}


def test_closing_closes_the_transport(transport: FakeTransport) -> None:
    """As a context manager, or by hand."""
    with credential(transport) as ours:
        assert transport.is_open
    assert not transport.is_open
    ours.close()


@pytest.mark.parametrize("region", ["westeurope", "TryAutoDetect"])
def test_a_regional_authority(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    """Tokens come from the region that the variables name."""
    place = azcred.environment("on-premises-secret")
    monkeypatch.setenv("AZURE_REGIONAL_AUTHORITY_NAME", region)
    monkeypatch.setenv("REGION_NAME", "westeurope")  # what App Service calls the region that it is in
    package.EnvironmentCredential().get_token(VAULT)
    assert [entry.server_name for entry in place.requests() if entry.operation == "token"] == [
        "westeurope.login.microsoft.com"
    ]
