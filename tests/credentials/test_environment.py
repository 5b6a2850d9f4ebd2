"""Environment variables describe an application or a user: azure-identity's credential and ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.fakes import CLIENT, SECRET, TENANT, VAULT
from credentials.implementations import Implementation, asked, kind_of
from support.entra import Entra, claims_of

from azcred_emulators.directory import Application, ClientSecret, TrustedSubject, contoso, identifiers
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import EnvironmentCredential
from pytest_azcred.credentials.environment import what_is_missing

APPLICATION = {"AZURE_CLIENT_ID": CLIENT, "AZURE_TENANT_ID": contoso.TENANT.id}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*(deprecated|username and password):DeprecationWarning"),
]


@pytest.fixture(scope="module")
def root() -> SigningKey:
    """The key of a certificate authority."""
    return SigningKey("Contoso Root")


@pytest.fixture(scope="module")
def key(root: SigningKey) -> SigningKey:
    """The key of the application's certificate."""
    return SigningKey("job.contoso.com", issued_by=root)


@pytest.fixture
def job(azcred: Azcred, key: SigningKey) -> Application:
    """An application with a secret and a certificate."""
    return azcred.directory.add(
        Application(
            name="job",
            tenant_id=contoso.TENANT.id,
            client_id=CLIENT,
            secrets=(ClientSecret(SECRET),),
            certificates=(key.certificate,),
        )
    )


def set_all(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Set these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_an_applications_secret(
    azcred: Azcred, package: Implementation, job: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes before everything else that the variables say."""
    set_all(monkeypatch, **APPLICATION, AZURE_CLIENT_SECRET=SECRET)
    set_all(monkeypatch, AZURE_CLIENT_CERTIFICATE_PATH="/nowhere", AZURE_USERNAME="dana", AZURE_PASSWORD="pw")
    claims = claims_of(package.EnvironmentCredential().get_token(VAULT).token)
    assert (claims["appid"], claims["appidacr"]) == (CLIENT, "1")
    azcred.journal.assert_tokens(provider="environment", grant="client_credentials", identity="job", times=1)


@pytest.mark.parametrize("password", [None, "pw"])
def test_an_applications_certificate(
    package: Implementation,
    job: Application,
    key: SigningKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    password: str | None,
) -> None:
    """From a file, with the password of its key; it goes before a user's password."""
    file = tmp_path / "job.pem"
    file.write_bytes(key.pem(password=password))
    set_all(monkeypatch, **APPLICATION, AZURE_CLIENT_CERTIFICATE_PATH=str(file))
    set_all(monkeypatch, AZURE_USERNAME="dana", AZURE_PASSWORD="pw")
    if password:
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", password)
    claims = claims_of(package.EnvironmentCredential().get_token(VAULT).token)
    assert (claims["appid"], claims["appidacr"]) == (CLIENT, "2")


@pytest.mark.parametrize(("send", "is_sent"), [("1", True), ("false", True), ("", False), (None, False)])
def test_the_certificates_chain(
    azcred: Azcred,
    package: Implementation,
    job: Application,
    key: SigningKey,
    root: SigningKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    send: str | None,
    is_sent: bool,
) -> None:
    """It is sent if the variable says anything, even "false"."""
    azcred.directory.replace(
        job, certificates=(), trusted_subjects=(TrustedSubject("job.contoso.com", root.certificate),)
    )
    file = tmp_path / "job.pem"
    file.write_bytes(key.pem())
    set_all(monkeypatch, **APPLICATION, AZURE_CLIENT_CERTIFICATE_PATH=str(file))
    if send is not None:
        monkeypatch.setenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", send)
    credential = package.EnvironmentCredential()
    if is_sent:
        assert claims_of(credential.get_token(VAULT).token)["appid"] == CLIENT
    else:
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            credential.get_token(VAULT)


@pytest.mark.parametrize("tenant", [None, contoso.TENANT.id])
def test_a_users_password(
    azcred: Azcred,
    package: Implementation,
    entra: Entra,
    monkeypatch: pytest.MonkeyPatch,
    tenant: str | None,
) -> None:
    """Deprecated; the tenant may be named."""
    set_all(
        monkeypatch,
        AZURE_CLIENT_ID=identifiers.AZURE_CLI_CLIENT_ID,
        AZURE_USERNAME=entra.user.principal_name,
        AZURE_PASSWORD=entra.user.password,
    )
    if tenant:
        monkeypatch.setenv("AZURE_TENANT_ID", tenant)
    assert claims_of(package.EnvironmentCredential().get_token(VAULT).token)["oid"] == identifiers.USER_ID
    assert azcred.journal.requests(operation="token")[0].path == f"/{tenant or 'organizations'}/oauth2/v2.0/token"


@pytest.mark.filterwarnings("error")
def test_a_users_password_is_deprecated(package: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app learns it when it starts."""
    set_all(monkeypatch, AZURE_CLIENT_ID="client", AZURE_USERNAME="dana", AZURE_PASSWORD="pw")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        package.EnvironmentCredential()


def test_a_refusal_is_a_failure(
    azcred: Azcred, package: Implementation, job: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever configures an application wants no other."""
    set_all(monkeypatch, **APPLICATION, AZURE_CLIENT_SECRET="another")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215") as raised:
        package.EnvironmentCredential().get_token(VAULT)
    assert kind_of(raised.value) == "failed"
    assert [entry.status for entry in azcred.journal.requests(operation="token")] == [401]


@pytest.mark.parametrize(
    "variables",
    [
        (),
        ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
        ("AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"),
        ("AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("AZURE_CLIENT_ID", "AZURE_USERNAME", "AZURE_TENANT_ID"),
        ("AZURE_USERNAME", "AZURE_PASSWORD"),
    ],
)
def test_incomplete_variables_make_it_unavailable(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch, variables: tuple[str, ...]
) -> None:
    """Half a configuration may belong to another credential."""
    set_all(monkeypatch, **dict.fromkeys(variables, "x"))
    with pytest.raises(ClientAuthenticationError) as raised:
        package.EnvironmentCredential().get_token(VAULT)
    assert kind_of(raised.value) == "unavailable"
    assert asked(azcred) == []


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ((), "missing AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID."),
        (
            ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
            "missing AZURE_CLIENT_SECRET; set: AZURE_CLIENT_ID, AZURE_TENANT_ID.",
        ),
        (
            ("AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
            "missing AZURE_TENANT_ID; set: AZURE_CLIENT_ID, AZURE_CLIENT_CERTIFICATE_PATH.",
        ),
        (
            ("AZURE_USERNAME", "AZURE_PASSWORD"),
            "missing AZURE_CLIENT_ID; set: AZURE_USERNAME, AZURE_PASSWORD.",
        ),
    ],
)
def test_what_is_missing_is_named(variables: tuple[str, ...], reason: str) -> None:
    """Of what most is there."""
    assert what_is_missing(dict.fromkeys(variables, "x")) == reason


def test_our_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity's says only that the configuration is not complete."""
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    with (
        EnvironmentCredential() as credential,
        pytest.raises(ClientAuthenticationError, match="missing AZURE_CLIENT_SECRET, AZURE_TENANT_ID; set: AZURE_CLI"),
    ):
        credential.get_token(VAULT)


@pytest.mark.parametrize("empty", ["AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"])
def test_an_empty_variable_is_an_error(package: Implementation, monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    """It counts as given."""
    set_all(monkeypatch, AZURE_CLIENT_ID=CLIENT, AZURE_TENANT_ID=TENANT, AZURE_CLIENT_SECRET=SECRET)
    monkeypatch.setenv(empty, "")
    with pytest.raises(ValueError, match=r"."):
        package.EnvironmentCredential()


@pytest.mark.parametrize("path", ["", "/nowhere/job.pem"])
def test_a_certificate_that_is_not_there_is_an_error(
    package: Implementation, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """When the app starts."""
    set_all(monkeypatch, **APPLICATION, AZURE_CLIENT_CERTIFICATE_PATH=path)
    with pytest.raises(FileNotFoundError if path else ValueError):
        package.EnvironmentCredential()
