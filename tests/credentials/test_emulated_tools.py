"""The emulated az, azd and pwsh, which know what the real ones say: azure-identity's credentials and ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.implementations import Implementation, kind_of
from support.entra import VAULT, claims_of

from azcred_emulators.directory import Application, User, contoso, identifiers
from azcred_emulators.faults import Crash, Exit, Garbage, Noise
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import DefaultAzureCredential

pytestmark = pytest.mark.slow

SCOPE = f"{VAULT}/.default"
CREDENTIALS = {
    "az": "AzureCliCredential",
    "azd": "AzureDeveloperCliCredential",
    "pwsh": "AzurePowerShellCredential",
}


class Developer:
    """A developer's machine with one tool, and the user who uses it."""

    def __init__(self, azcred: Azcred, name: str) -> None:
        self.azcred = azcred
        self.name = name
        azcred.install(name)
        self.tool: Any = azcred.executables[name]

    @property
    def user(self) -> User:
        """Who uses it."""
        user = self.azcred.directory.user(identifiers.USER_ID)
        assert user is not None
        return user

    @property
    def application(self) -> Application:
        """A service principal with a secret."""
        application = self.azcred.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
        assert isinstance(application, Application)
        return application

    def sign_in(self) -> None:
        """Sign the user in."""
        self.tool.sign_in(self.user)

    def revoke(self) -> None:
        """Sign the user in, and end the session behind the tool's back."""
        self.sign_in()
        self.azcred.clock.advance(hours=25)  # the tool keeps tokens, too
        self.azcred.directory.replace(self.user, tokens_valid_from=self.azcred.clock.now())

    def expect(self, package: Implementation, **keywords: Any) -> Any:
        """Make the credential that asks the tool."""
        return getattr(package, CREDENTIALS[self.name])(**keywords)


@pytest.fixture(params=list(CREDENTIALS))
def developer(request: pytest.FixtureRequest, azcred: Azcred) -> Developer:
    """Each tool in turn."""
    return Developer(azcred, request.param)


@pytest.mark.parametrize("who", ["user", "application"])
def test_a_token_of_whoever_is_signed_in(developer: Developer, package: Implementation, who: str) -> None:
    """Ours asks the tool once; azure-identity asks it each time."""
    somebody = getattr(developer, who)
    developer.tool.sign_in(somebody)
    credential = developer.expect(package)
    token = credential.get_token(SCOPE)
    claims = claims_of(token.token)
    assert (claims["oid"], claims["aud"], claims["exp"]) == (somebody.object_id, VAULT, token.expires_on)
    credential.get_token(SCOPE)
    assert len(developer.azcred.journal.requests(provider=developer.tool.provider)) == (1 if package.is_ours else 2)


def test_a_token_that_has_expired(developer: Developer, package: Implementation) -> None:
    """The tool is asked again, by the virtual clock."""
    developer.sign_in()
    credential = developer.expect(package)
    first = credential.get_token(SCOPE)
    developer.azcred.clock.advance(hours=25)
    assert credential.get_token(SCOPE).token != first.token
    developer.azcred.journal.assert_tokens(provider=developer.tool.provider, times=2)


def test_another_tenant(developer: Developer, package: Implementation) -> None:
    """It reaches the tool, which asks there."""
    developer.sign_in()
    developer.expect(package, tenant_id=contoso.TENANT.id).get_token(SCOPE)
    assert developer.azcred.journal.requests(provider=developer.tool.provider)[0].tenant == contoso.TENANT.id


# What is wrong, what that is for the credential alone, and what the error says.
SITUATIONS: dict[str, tuple[Callable[[Developer], object], str, dict[str, str]]] = {
    "nobody is signed in": (lambda developer: None, "unavailable", {"az": "az login", "azd": "azd auth login"}),
    "the session was revoked": (
        lambda developer: developer.revoke(),
        "failed",
        {"az": "AADSTS50173", "azd": "AADSTS50173"},
    ),
    "it crashes": (lambda developer: developer.tool.faults.add(Crash()), "failed", {"az": "ModuleNotFoundError"}),
    "it prints garbage": (lambda developer: developer.tool.faults.add(Garbage()), "failed", {}),
    "it ends without a word": (lambda developer: developer.tool.faults.add(Exit(3)), "failed", {}),
    "it is gone in the meantime": (lambda developer: developer.tool.faults.add(Exit(127)), "unavailable", {}),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_goes_wrong(developer: Developer, package: Implementation, situation: str) -> None:
    """Unavailable or failed, in the tool's words; whatever goes wrong with PowerShell but garbage is unavailable."""
    arrange, expected, words = SITUATIONS[situation]
    arrange(developer)
    if developer.name == "pwsh" and situation != "it prints garbage":
        expected = "unavailable"
    with pytest.raises(ClientAuthenticationError, match=words.get(developer.name, ".")) as raised:
        developer.expect(package).get_token(SCOPE)
    assert kind_of(raised.value) == expected


def test_noise_on_stderr_does_no_harm(developer: Developer, package: Implementation) -> None:
    """Tools announce updates there."""
    developer.sign_in()
    developer.tool.faults.add(Noise())
    assert claims_of(developer.expect(package).get_token(SCOPE).token)["oid"] == identifiers.USER_ID


@pytest.mark.parametrize("name", ["az", "azd"])
def test_noise_before_the_token(azcred: Azcred, package: Implementation, name: str) -> None:
    """Then it is no JSON any more."""
    developer = Developer(azcred, name)
    developer.sign_in()
    developer.tool.faults.add(Noise(stdout="An update is available\n", stderr=""))
    with pytest.raises(ClientAuthenticationError, match="Unexpected output") as raised:
        developer.expect(package).get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert "eyJ" not in str(raised.value)


@pytest.mark.parametrize("version", ["1.11.0", "1.11.1", "1.20.2", "1.23.7", "1.24.0"])
@pytest.mark.parametrize("situation", ["nobody is signed in", "the session was revoked"])
def test_every_azd(azcred: Azcred, package: Implementation, version: str, situation: str) -> None:
    """Its errors look different from version to version; the first message or the error itself is what is told."""
    developer = Developer(azcred, "azd")
    developer.tool.version = version
    arrange, expected, words = SITUATIONS[situation]
    arrange(developer)
    told = "reauthentication required" if version == "1.11.0" else words["azd"]
    with pytest.raises(ClientAuthenticationError, match=told if expected == "failed" else "azd auth login") as raised:
        developer.expect(package).get_token(SCOPE)
    assert kind_of(raised.value) == expected


def test_an_azd_that_is_too_old_for_claims(azcred: Azcred, package: Implementation) -> None:
    """Unavailable, with the version that would do."""
    developer = Developer(azcred, "azd")
    developer.sign_in()
    developer.tool.version = "1.18.0"
    with pytest.raises(ClientAuthenticationError, match=r"1\.18\.1") as raised:
        developer.expect(package).get_token(SCOPE, claims='{"access_token": {}}')
    assert kind_of(raised.value) == "unavailable"


@pytest.mark.parametrize("module", ["2.2.0", "2.17.0", "4.0.0", "5.0.0", "5.3.0"])
@pytest.mark.parametrize("powershell", ["5.1", "7.5.4"])
def test_every_azure_powershell(azcred: Azcred, package: Implementation, module: str, powershell: str) -> None:
    """Tokens are text or secure strings; each is read."""
    developer = Developer(azcred, "pwsh")
    developer.tool.version, developer.tool.module_version = powershell, module
    developer.sign_in()
    assert claims_of(developer.expect(package).get_token(SCOPE).token)["oid"] == identifiers.USER_ID


@pytest.mark.parametrize("module", [None, "2.1.0"])
def test_a_module_that_is_missing_or_too_old(azcred: Azcred, package: Implementation, module: str | None) -> None:
    """Unavailable, with what to install."""
    developer = Developer(azcred, "pwsh")
    developer.tool.module_version = module
    with pytest.raises(ClientAuthenticationError, match=r"Az.Account module >= 2\.2\.0 is not installed") as raised:
        developer.expect(package).get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"


def test_an_execution_policy(azcred: Azcred, package: Implementation) -> None:
    """Unavailable."""
    developer = Developer(azcred, "pwsh")
    developer.tool.execution_policy = "Restricted"
    with pytest.raises(ClientAuthenticationError) as raised:
        developer.expect(package).get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"


def test_the_chain_goes_on_to_the_next_tool(azcred: Azcred, package: Implementation) -> None:
    """In the order of azure-identity: az has an expired session, PowerShell has no module, azd has a token."""
    az, pwsh, azd = (Developer(azcred, name) for name in ("az", "pwsh", "azd"))
    azd.sign_in()
    az.tool.faults.add(Exit(1, stderr="ERROR: AADSTS70043: The refresh token has expired.\n"))
    pwsh.tool.module_version = None
    token = package.DefaultAzureCredential().get_token(SCOPE)
    assert claims_of(token.token)["oid"] == identifiers.USER_ID
    providers = [entry.provider for entry in azcred.journal.requests() if entry.emulator != "imds"]
    assert providers == ["azure-cli", "azure-powershell", "azure-developer-cli"]


def test_the_explanation_names_the_calls(azcred: Azcred) -> None:
    """Without what the tools were given."""
    for name in CREDENTIALS:
        Developer(azcred, name)
    with DefaultAzureCredential() as chain:
        explanation = chain.explain(SCOPE)
    calls = {
        attempt.provider: [(one.request, one.outcome) for one in attempt.requests] for attempt in explanation.attempts
    }
    assert calls["AzureCliCredential"] == [("az account get-access-token", "exit code 1")]
    assert calls["AzureDeveloperCliCredential"] == [("azd auth token", "exit code 1")]
    assert calls["AzurePowerShellCredential"] == [("pwsh -NoProfile -NonInteractive", "exit code 1")]
