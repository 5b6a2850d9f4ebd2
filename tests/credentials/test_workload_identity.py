"""A pod exchanges its service account's token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import azure.identity
import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.rest import HttpRequest
from credentials.fakes import CLIENT, TENANT, VAULT, Authority, FakeTransport, Reply, form, refused
from freezegun import freeze_time

from pytest_azcred.credentials import CredentialUnavailableError, WorkloadIdentityCredential
from pytest_azcred.credentials.client_assertion import merged_claims

TOKEN = f"POST /{TENANT}/oauth2/v2.0/token"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "azure-identity-token"
    file.write_text("service-account-token")
    return file


def credential(token_file: Path, transport: FakeTransport, **kwargs: Any) -> WorkloadIdentityCredential:
    return WorkloadIdentityCredential(
        tenant_id=TENANT, client_id=CLIENT, token_file_path=str(token_file), transport=transport, **kwargs
    )


def test_a_token_takes_a_single_request(token_file: Path) -> None:
    """Neither the authority nor its OpenID configuration is looked up."""
    transport = FakeTransport(Authority())
    ours = credential(token_file, transport, authority="https://login.example.com")
    assert ours.get_token(VAULT).token == ours.get_token(VAULT).token == "token-1"
    assert transport.sent == [TOKEN]
    assert form(transport.requests[0]) == {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "service-account-token",
        "scope": VAULT,
    }


def test_requests_and_tokens_are_those_of_azure_identity(token_file: Path) -> None:
    """For a token that lives long enough to be renewed halfway, with CAE and without."""

    def outcome(kind: Any) -> list[Any]:
        transport = FakeTransport(Authority(expires_in=86400))
        theirs_or_ours = kind(tenant_id=TENANT, client_id=CLIENT, token_file_path=str(token_file), transport=transport)
        tokens = [
            theirs_or_ours.get_token_info(VAULT, options=options)
            for options in ({}, {"enable_cae": True}, {"claims": "{}", "enable_cae": True}, {"enable_cae": True})
        ]
        return [vars(token) for token in tokens] + [
            (request.method, request.url, form(request)) for request in transport.requests
        ]

    with freeze_time("2027-01-15"):
        assert outcome(WorkloadIdentityCredential) == outcome(azure.identity.WorkloadIdentityCredential)


def test_the_file_is_read_again_for_each_request(token_file: Path) -> None:
    """Kubernetes replaces it while the pod runs; a newline at its end does not matter."""
    transport = FakeTransport(Authority())
    ours = credential(token_file, transport)
    with freeze_time("2027-01-15") as clock:
        ours.get_token(VAULT)
        token_file.write_text("another-token\n")
        clock.tick(3600)
        ours.get_token(VAULT)
    assert [form(request)["client_assertion"] for request in transport.requests] == [
        "service-account-token",
        "another-token",
    ]


def test_the_variables_of_the_webhook(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are all that a pod needs."""
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/")
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token_file))
    transport = FakeTransport(Authority())
    WorkloadIdentityCredential(transport=transport).get_token(VAULT)
    assert transport.requests[0].url == f"https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a pod the credential is unavailable."""
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    with pytest.raises(CredentialUnavailableError, match=r"missing AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE\."):
        WorkloadIdentityCredential().get_token(VAULT)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "does not exist"), (b" \n", "is empty"), (b"\xff\xfe", "is not text")],
)
def test_a_file_without_a_token_makes_it_unavailable(content: bytes | None, problem: str, token_file: Path) -> None:
    """And nothing is sent."""
    token_file.unlink()
    if content is not None:
        token_file.write_bytes(content)
    transport = FakeTransport(Authority())
    with pytest.raises(CredentialUnavailableError, match=problem) as raised:
        credential(token_file, transport).get_token(VAULT)
    assert str(token_file) in str(raised.value)
    assert not transport.sent


def test_a_file_that_cannot_be_read_makes_it_unavailable(tmp_path: Path) -> None:
    """Such as a directory in its place."""
    with pytest.raises(CredentialUnavailableError, match=r"cannot be read \("):
        credential(tmp_path, FakeTransport(Authority())).get_token(VAULT)


def test_a_refusal_says_why(token_file: Path) -> None:
    """In Entra ID's words, and it is a failure."""
    authority = Authority()
    authority.refusal = refused("AADSTS700213: No matching federated identity record found.")
    with pytest.raises(ClientAuthenticationError) as raised:
        credential(token_file, FakeTransport(authority)).get_token(VAULT)
    assert str(raised.value) == ("Authentication failed: AADSTS700213: No matching federated identity record found.")
    assert not isinstance(raised.value, CredentialUnavailableError)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Reply("<html>", 502, content_type="text/html"), "answered 502 without a token or a reason"),
        (Reply({"access_token": "ey-half-a-tok"}), "answered 200 without a token or a reason"),
        (Reply({"access_token": "ey-half-a-tok", "expires_in": "soon"}), "answered 200 without a token or a reason"),
        (Reply(b"\xff ey-half-a-tok"), "answered 200 with malformed JSON"),
        (Reply(b"\xff ey-half-a-tok", content_type=""), "answered 200 without a token or a reason"),
        (Reply('{"access_token": "ey-half-a-tok'), "answered 200 with malformed JSON"),
        (refused("bad assertion service-account-token"), r"bad assertion \*\*\*"),
    ],
)
def test_an_answer_that_makes_no_sense(answer: Reply, reason: str, token_file: Path) -> None:
    """The message says what came from where, but shows neither the assertion nor a token."""
    with pytest.raises(ClientAuthenticationError, match=reason) as raised:
        credential(token_file, FakeTransport(lambda request: answer)).get_token(VAULT)
    assert "ey-half-a-tok" not in str(raised.value)


def test_no_answer_is_a_failure(token_file: Path) -> None:
    """Of the kind that apps catch."""

    def unreachable(request: HttpRequest) -> Reply:
        raise ServiceRequestError("connection refused")

    with pytest.raises(ClientAuthenticationError, match="Authentication failed: connection refused"):
        credential(token_file, FakeTransport(unreachable), retry_total=0).get_token(VAULT)


def test_a_server_error_is_retried(token_file: Path) -> None:
    """Although it is a POST."""
    transport = FakeTransport(lambda request: Reply({}, 500))
    with pytest.raises(ClientAuthenticationError):
        credential(token_file, transport).get_token(VAULT)
    assert transport.sent == [TOKEN] * 4
    assert transport.sleeps == [1.6, 3.2]


def test_claims_are_merged() -> None:
    """A challenge keeps what it asks for."""
    assert merged_claims(None, enable_cae=False) is None
    assert merged_claims('{"a": 1}', enable_cae=False) == '{"a": 1}'
    merged = merged_claims('{"access_token": {"nbf": 1}}', enable_cae=True)
    assert merged is not None
    assert json.loads(merged) == {"access_token": {"nbf": 1, "xms_cc": {"values": ["CP1"]}}}
