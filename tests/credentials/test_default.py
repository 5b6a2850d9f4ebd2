"""DefaultAzureCredential finds the identity of the place where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.rest import HttpRequest
from credentials.fakes import CLIENT, SECRET, TENANT, VAULT, Authority, FakeTransport, Reply, form, refused

from pytest_azcred import credentials
from pytest_azcred.credentials import DefaultAzureCredential, aio
from pytest_azcred.credentials.credential import Credential
from pytest_azcred.credentials.default import selected_links
from pytest_azcred.credentials.links import LINKS

PRODUCTION = ["EnvironmentCredential", "WorkloadIdentityCredential", "ManagedIdentityCredential"]
DEVELOPMENT = [link.credential for link in LINKS if link.group == "dev"]


class Azure:
    """Entra ID and IMDS, either of which can be missing."""

    def __init__(self, *, imds: bool = True) -> None:
        self.authority = Authority()
        self.imds = imds

    def __call__(self, request: HttpRequest) -> Reply:
        if not request.url.startswith("http://169.254.169.254/"):
            return self.authority(request)
        if not self.imds:
            raise ServiceRequestError("no route to host")
        return Reply({"access_token": "imds-token", "expires_in": "3600"})


def links(credential: DefaultAzureCredential) -> list[str]:
    return [link.name for link in credential.credentials if isinstance(link, Credential)]


def selected(value: str, **excluded: bool) -> list[str]:
    return [link.credential for link in selected_links(value, excluded)]


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("service-account-token")
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")


@pytest.mark.usefixtures("pod", "secret")
def test_the_environment_comes_first() -> None:
    """Then workload identity, then managed identity."""
    transport = FakeTransport(Azure())
    credential = DefaultAzureCredential(transport=transport)
    credential.get_token(VAULT)
    assert links(credential)[:3] == PRODUCTION
    assert credential.selected == "EnvironmentCredential"
    assert form(transport.requests[-1])["client_secret"] == SECRET


@pytest.mark.usefixtures("pod")
def test_in_a_pod() -> None:
    """One request."""
    transport = FakeTransport(Azure())
    DefaultAzureCredential(transport=transport).get_token(VAULT)
    assert transport.sent == [f"POST /{TENANT}/oauth2/v2.0/token"]


def test_on_a_virtual_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe and one request, for the identity that AZURE_CLIENT_ID names."""
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    transport = FakeTransport(Azure())
    assert DefaultAzureCredential(transport=transport).get_token_info(VAULT).token == "imds-token"
    assert len(transport.requests) == 2
    assert f"client_id={CLIENT}" in transport.requests[-1].url


def test_the_system_assigned_identity_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is not the same as nothing."""
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    transport = FakeTransport(Azure())
    DefaultAzureCredential(transport=transport, managed_identity_client_id=None).get_token(VAULT)
    assert "client_id" not in transport.requests[-1].url


def test_nowhere() -> None:
    """The message says for each link what it lacks."""
    transport = FakeTransport(Azure(imds=False))
    with pytest.raises(ClientAuthenticationError) as raised:
        DefaultAzureCredential(transport=transport).get_token(VAULT)
    first, attempted, *attempts, last = str(raised.value).splitlines()
    assert first == "DefaultAzureCredential failed to retrieve a token from the included credentials."
    assert attempted == "Attempted credentials:"
    names = [link.credential for link in LINKS if link.by_default]
    tools = {  # whose messages are azure-identity's
        "AzureCliCredential": "Azure CLI not found on path",
        "AzurePowerShellCredential": "PowerShell is not installed",
        "AzureDeveloperCliCredential": "Azure Developer CLI could not be found. ",
    }
    for name, attempt in zip(names, attempts, strict=True):
        assert attempt.startswith(f"\t{name}: {tools.get(name, f'{name} is unavailable: ')}")
    assert last.endswith("https://aka.ms/azsdk/python/identity/defaultazurecredential/troubleshoot.")


@pytest.mark.usefixtures("secret")
def test_the_first_success_wins_from_then_on() -> None:
    """Even if it fails later; its own error is then shown as it is."""
    azure = Azure()
    credential = DefaultAzureCredential(transport=FakeTransport(azure))
    credential.get_token(VAULT)
    azure.authority.refusal = refused()
    with pytest.raises(ClientAuthenticationError, match=r"^Authentication failed: AADSTS7000215"):
        credential.get_token("https://graph.microsoft.com/.default")
    with pytest.raises(ClientAuthenticationError, match=r"^Authentication failed: AADSTS7000215"):
        credential.get_token_info("https://storage.azure.com/.default")


def test_before_the_first_success_every_link_is_asked_again() -> None:
    """A machine may still be starting."""
    azure = Azure(imds=False)
    credential = DefaultAzureCredential(transport=FakeTransport(azure))
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(VAULT)
    azure.imds = True
    assert credential.get_token(VAULT).token == "imds-token"


@pytest.mark.usefixtures("secret")
def test_a_failure_is_not_papered_over() -> None:
    """A wrong secret on a machine with a managed identity is still a wrong secret."""
    azure = Azure()
    azure.authority.refusal = refused()
    transport = FakeTransport(azure)
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        DefaultAzureCredential(transport=transport).get_token(VAULT)
    assert not any("169.254.169.254" in request.url for request in transport.requests)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", [*PRODUCTION, *DEVELOPMENT]),
        (" PROD ", PRODUCTION),
        ("Dev", DEVELOPMENT),
        *((link.credential.swapcase(), [link.credential]) for link in LINKS if link.can_be_named),
    ],
)
def test_a_variable_selects_links(value: str, names: list[str]) -> None:
    """By name, whatever the case, or those for production or development."""
    assert selected(value) == names


def test_keywords_beat_the_variable() -> None:
    """To leave a link out or to keep it."""
    assert selected("prod", exclude_managed_identity_credential=True) == PRODUCTION[:2]
    assert selected("EnvironmentCredential", exclude_managed_identity_credential=False) == [
        "EnvironmentCredential",
        "ManagedIdentityCredential",
    ]
    assert selected("dev", **{link.exclude: True for link in LINKS}) == []


@pytest.mark.parametrize("half", [credentials, aio])
@pytest.mark.parametrize("value", ["typo", "SharedTokenCacheCredential", "BrokerCredential", "dev prod"])
def test_a_variable_that_selects_nothing(value: str, half: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error at construction."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", value)
    message = f"AZURE_TOKEN_CREDENTIALS={value.lower()} is not known. Use dev, prod or one of EnvironmentCredential, "
    with pytest.raises(ValueError, match=message):
        half.DefaultAzureCredential()


def test_the_variable_can_be_required() -> None:
    """For those who never want the whole chain."""
    with pytest.raises(ValueError, match="AZURE_TOKEN_CREDENTIALS is required"):
        DefaultAzureCredential(require_envvar=True)


def test_managed_identity_by_name_is_not_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is expected to be there."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    transport = FakeTransport(Azure())
    DefaultAzureCredential(transport=transport).get_token(VAULT)
    assert len(transport.requests) == 1


@pytest.mark.usefixtures("pod")
def test_without_workload_identity_a_pod_has_a_managed_one() -> None:
    """That of the node."""
    transport = FakeTransport(Azure())
    credential = DefaultAzureCredential(transport=transport, exclude_workload_identity_credential=True)
    assert credential.get_token(VAULT).token == "imds-token"


@pytest.mark.usefixtures("pod")
def test_workload_identity_has_keywords_of_its_own() -> None:
    """They beat the variables."""
    transport = FakeTransport(Azure())
    DefaultAzureCredential(
        transport=transport,
        authority="login.microsoftonline.us",
        workload_identity_client_id="another",
        workload_identity_tenant_id="elsewhere",
    ).get_token(VAULT)
    assert transport.requests[0].url == "https://login.microsoftonline.us/elsewhere/oauth2/v2.0/token"
    assert form(transport.requests[0])["client_id"] == "another"


def test_a_malformed_tenant_makes_a_pod_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in azure-identity, the other links are asked all the same."""
    (tmp_path / "token").write_text("service-account-token")
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_TENANT_ID", "not a tenant")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    credential = DefaultAzureCredential(transport=FakeTransport(Azure()))
    assert credential.get_token(VAULT).token == "imds-token"
    assert credential.selected == "ManagedIdentityCredential"


def test_a_person_is_asked_only_if_the_app_wants_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """By keyword or by name, with keywords for the sign-in."""
    assert "InteractiveBrowserCredential" not in links(DefaultAzureCredential())
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    asking = DefaultAzureCredential(
        exclude_interactive_browser_credential=False,
        interactive_browser_client_id=CLIENT,
        interactive_browser_tenant_id="elsewhere",
    )
    assert links(asking)[-2:] == ["InteractiveBrowserCredential", "BrokerCredential"]
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "InteractiveBrowserCredential")
    assert links(DefaultAzureCredential()) == ["InteractiveBrowserCredential"]


def test_keywords_of_links_that_are_never_available_have_no_effect() -> None:
    """Code that is written for azure-identity passes them."""
    credential = DefaultAzureCredential(
        process_timeout=3,
        shared_cache_username="someone",
        shared_cache_tenant_id=TENANT,
        visual_studio_code_tenant_id=TENANT,
        broker_tenant_id=TENANT,
        broker_client_id=CLIENT,
        exclude_environment_credential=True,
        exclude_broker_credential=True,
    )
    assert links(credential)[0] == "WorkloadIdentityCredential"
    assert "BrokerCredential" not in links(credential)
    credential.close()


def test_what_is_refused() -> None:
    """A tenant for all links, an unsafe authority, and an empty chain."""
    with pytest.raises(TypeError, match="takes no tenant_id"):
        DefaultAzureCredential(tenant_id=TENANT)
    with pytest.raises(ValueError, match="not an https URL"):
        DefaultAzureCredential(authority="http://localhost")
    with pytest.raises(ValueError, match="at least one credential"):
        DefaultAzureCredential(**{link.exclude: True for link in LINKS})
