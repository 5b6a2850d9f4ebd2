"""Environment variables describe an application."""

from __future__ import annotations

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.fakes import CLIENT, SECRET, TENANT, VAULT, Authority, FakeTransport, form, refused

from pytest_azcred.credentials import CredentialUnavailableError, EnvironmentCredential
from pytest_azcred.credentials.environment import why_unavailable

COMPLETE = {"AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET, "AZURE_TENANT_ID": TENANT}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("configured")
def test_the_application_of_the_variables() -> None:
    """All three of them."""
    transport = FakeTransport(Authority())
    assert EnvironmentCredential(transport=transport).get_token(VAULT).token == "token-1"
    assert transport.sent[-1] == f"POST /{TENANT}/oauth2/v2.0/token"
    assert form(transport.requests[-1])["client_secret"] == SECRET


@pytest.mark.usefixtures("configured")
def test_a_refusal_is_a_failure() -> None:
    """Whoever configures an application wants no other."""
    authority = Authority()
    authority.refusal = refused()
    with pytest.raises(ClientAuthenticationError) as raised:
        EnvironmentCredential(transport=FakeTransport(authority)).get_token(VAULT)
    assert not isinstance(raised.value, CredentialUnavailableError)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ((), "missing AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID."),
        (
            ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
            "missing AZURE_CLIENT_SECRET. They are needed besides AZURE_CLIENT_ID, AZURE_TENANT_ID.",
        ),
        (
            ("AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
            "missing AZURE_CLIENT_SECRET, AZURE_TENANT_ID. They are needed besides AZURE_CLIENT_ID. "
            "Not supported yet by this version: AZURE_CLIENT_CERTIFICATE_PATH.",
        ),
        (
            ("AZURE_USERNAME", "AZURE_PASSWORD"),
            "missing AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID. "
            "Not supported yet by this version: AZURE_USERNAME, AZURE_PASSWORD.",
        ),
        (tuple(COMPLETE), ""),
    ],
)
def test_what_is_missing_is_named(variables: tuple[str, ...], reason: str) -> None:
    """So is what this version cannot do."""
    assert why_unavailable(dict.fromkeys(variables, "x")) == reason


def test_incomplete_variables_make_it_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a configuration may belong to another credential."""
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    with (
        EnvironmentCredential() as credential,
        pytest.raises(CredentialUnavailableError, match=r"missing AZURE_CLIENT_SECRET, AZURE_TENANT_ID"),
    ):
        credential.get_token(VAULT)


@pytest.mark.usefixtures("configured")
def test_an_empty_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as given, as in azure-identity."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "")
    with pytest.raises(ValueError, match="client_secret is empty"):
        EnvironmentCredential()
