"""What azure-identity refuses before it asks anybody."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from support.sdk import Sdk

from azcred_emulators.directory import contoso, identifiers
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"
TENANT = contoso.TENANT.id
CLIENT = identifiers.SERVICE_PRINCIPAL_CLIENT_ID

Refused = tuple[str, tuple[object, ...], Mapping[str, object], type[Exception], str]
REFUSED: list[Refused] = [
    ("ClientSecretCredential", (TENANT, "", "s"), {}, ValueError, "client_id should be the id"),
    ("ClientSecretCredential", (TENANT, CLIENT, ""), {}, ValueError, "secret should be"),
    ("ClientSecretCredential", ("", CLIENT, "s"), {}, ValueError, "tenant_id should be"),
    ("ClientSecretCredential", ("not a tenant", CLIENT, "s"), {}, ValueError, "Invalid tenant ID"),
    ("ClientSecretCredential", (TENANT, CLIENT, "s"), {"authority": "http://localhost"}, ValueError, "HTTPS|https"),
    ("CertificateCredential", (TENANT, CLIENT), {}, ValueError, "requires a value for either"),
    ("CertificateCredential", (TENANT, CLIENT), {"certificate_data": b"garbage"}, ValueError, "Failed to deserialize"),
    ("OnBehalfOfCredential", (TENANT, CLIENT), {"user_assertion": ""}, TypeError, "must not be empty"),
    ("OnBehalfOfCredential", (TENANT, CLIENT), {"user_assertion": "a"}, TypeError, "must be provided"),
    (
        "OnBehalfOfCredential",
        (TENANT, CLIENT),
        {"user_assertion": "a", "client_secret": "s", "client_certificate": b"c"},
        ValueError,
        "is not valid",
    ),
    (
        "OnBehalfOfCredential",
        (TENANT, CLIENT),
        {"user_assertion": "a", "client_secret": "s", "client_assertion_func": str},
        ValueError,
        "more than one",
    ),
    (
        "OnBehalfOfCredential",
        (TENANT, CLIENT),
        {"user_assertion": "a", "client_certificate": b"garbage"},
        ValueError,
        "not a valid certificate",
    ),
    ("ChainedTokenCredential", (), {}, ValueError, "at least one credential"),
    ("DefaultAzureCredential", (), {"tenant_id": TENANT}, TypeError, "'tenant_id' is not supported"),
    ("DefaultAzureCredential", (), {"require_envvar": True}, ValueError, "AZURE_TOKEN_CREDENTIALS"),
    ("WorkloadIdentityCredential", (), {}, ValueError, "'tenant_id' is required|tenant_id"),
    (
        "ManagedIdentityCredential",
        (),
        {"client_id": CLIENT, "identity_config": {"object_id": CLIENT}},
        ValueError,
        "must not contain any of the",
    ),
    (
        "ManagedIdentityCredential",
        (),
        {"identity_config": {"object_id": CLIENT, "client_id": CLIENT}},
        ValueError,
        "must not contain more than one",
    ),
    ("AzureCliCredential", (), {"tenant_id": "not a tenant"}, ValueError, "Invalid tenant ID"),
    ("AzureCliCredential", (), {"subscription": "not;one"}, ValueError, "Subscription"),
    ("AzurePowerShellCredential", (), {"tenant_id": "not a tenant"}, ValueError, "Invalid tenant ID"),
    ("AzureDeveloperCliCredential", (), {"tenant_id": "not a tenant"}, ValueError, "Invalid tenant ID"),
    (
        "AzurePipelinesCredential",
        (),
        {"tenant_id": "", "client_id": "", "service_connection_id": "", "system_access_token": ""},
        ValueError,
        "must be passed in as keyword",
    ),
]


@pytest.mark.parametrize(
    ("kind", "arguments", "keywords", "error", "message"),
    REFUSED,
    ids=[f"{one[0]}-{number}" for number, one in enumerate(REFUSED)],
)
def test_a_credential_that_cannot_be(
    azcred: Azcred,
    sdk: Sdk,
    kind: str,
    arguments: tuple[object, ...],
    keywords: Mapping[str, object],
    error: type[Exception],
    message: str,
) -> None:
    """The mistake is in the arguments, and is told at once."""
    with pytest.raises(error, match=message):
        sdk.credential(kind, *arguments, **keywords)
    azcred.journal.assert_requests(times=0)


@pytest.fixture
def pem(azcred: Azcred) -> bytes:
    """A certificate and its private key."""
    azcred.environment("on-premises-certificate")
    return Path(os.environ["AZURE_CLIENT_CERTIFICATE_PATH"]).read_bytes()


def bundle(pem: bytes, *, key: bool = True, password: bytes = b"") -> bytes:
    """Return a certificate and perhaps its key as PKCS #12."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    certificate = x509.load_pem_x509_certificate(pem)
    private: Any = load_pem_private_key(pem, None) if key else None
    return pkcs12.serialize_key_and_certificates(b"app", private, certificate, None, encryption)


def elliptic() -> bytes:
    """Return a private key that is not RSA's."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_certificates_that_cannot_be_used(sdk: Sdk, pem: bytes, tmp_path: Path) -> None:
    """Two of them, none of them, one without its key, and a key that is not RSA's."""
    (tmp_path / "c.pem").write_bytes(pem)
    certificate = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.PEM)
    wrong: Iterable[tuple[dict[str, object], str]] = [
        ({"certificate_path": str(tmp_path / "c.pem"), "certificate_data": pem}, "not both"),
        ({"certificate_data": bundle(pem, key=False)}, "must include its private key"),
        ({"certificate_data": elliptic() + certificate}, "must have an RSA private key"),
    ]
    for keywords, message in wrong:
        with pytest.raises(ValueError, match=message):
            sdk.credential("CertificateCredential", TENANT, CLIENT, **keywords)


@pytest.mark.parametrize("password", [b"secret", "secret"])
def test_a_certificate_in_a_bundle(
    azcred: Azcred, sdk: Sdk, pem: bytes, password: bytes | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a password as text or bytes, and its chain in the assertion."""
    client_id = azcred.environment("on-premises-certificate").environment.client_id
    data = bundle(pem, password=b"secret")
    credential = sdk.credential(
        "CertificateCredential",
        TENANT,
        client_id,
        certificate_data=data,
        password=password,
        send_certificate_chain=True,
    )
    assert credential.get_token(SCOPE).token
    azcred.journal.assert_tokens(client_id=client_id, times=1)


CALLS: list[tuple[str, dict[str, object], tuple[str, ...], dict[str, object], str]] = [
    ("AzureCliCredential", {}, (), {}, "exactly one scope"),
    ("AzureCliCredential", {}, ("a", "b"), {}, "exactly one scope"),
    ("AzureCliCredential", {}, ("not;a scope",), {}, "scope|Scope"),
    ("AzureCliCredential", {}, (SCOPE,), {"tenant_id": "not a tenant"}, "Invalid tenant ID"),
    ("AzurePowerShellCredential", {}, (SCOPE,), {"tenant_id": "not a tenant"}, "Invalid tenant ID"),
    ("AzureDeveloperCliCredential", {}, (), {}, "Missing scope"),
    ("AzureDeveloperCliCredential", {}, (SCOPE,), {"tenant_id": "not a tenant"}, "Invalid tenant ID"),
    ("ManagedIdentityCredential", {}, (), {}, "at least one scope"),
    ("EnvironmentCredential", {}, (), {}, "at least one scope"),
]


@pytest.mark.parametrize(
    ("kind", "made", "scopes", "options", "message"), CALLS, ids=[f"{one[0]}-{n}" for n, one in enumerate(CALLS)]
)
def test_a_question_that_cannot_be_asked(
    azcred: Azcred,
    sdk: Sdk,
    fake_service_principal: Place,
    kind: str,
    made: dict[str, object],
    scopes: tuple[str, ...],
    options: dict[str, object],
    message: str,
) -> None:
    """By either method."""
    azcred.environment("developer-azure-cli", "developer-powershell", "developer-azd", "virtual-machine")
    credential = sdk.credential(kind, **made)
    for ask in (credential.get_token, credential.get_token_info):
        with pytest.raises(ValueError, match=message):
            ask(*scopes, **options)
    azcred.journal.assert_requests(operation="token", times=0)


TENANTS: list[tuple[dict[str, object], str | None]] = [
    ({"additionally_allowed_tenants": ["*"]}, None),
    ({"additionally_allowed_tenants": ["other"]}, None),
    ({}, "not configured to acquire tokens for tenant"),
]


@pytest.mark.parametrize(("keywords", "refusal"), TENANTS, ids=str)
def test_another_tenant(
    azcred: Azcred, sdk: Sdk, fake_service_principal: Place, keywords: dict[str, Any], refusal: str | None
) -> None:
    """It is asked if the credential may; whether it has the application is its own affair."""
    credential = sdk.credential("EnvironmentCredential", **keywords)
    with pytest.raises(ClientAuthenticationError, match=refusal or "AADSTS90002|Unable to get authority"):
        credential.get_token(SCOPE, tenant_id="other")
    assert bool(azcred.journal.requests()) == (refusal is None)


@pytest.mark.parametrize("variable", ["AZURE_IDENTITY_DISABLE_MULTITENANTAUTH", None])
def test_a_tenant_that_is_ignored(
    azcred: Azcred, sdk: Sdk, fake_service_principal: Place, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    """By a variable; or it is the credential's own after all."""
    if variable:
        monkeypatch.setenv(variable, "1")
    credential = sdk.credential("EnvironmentCredential")
    assert credential.get_token_info(SCOPE, tenant_id="other" if variable else TENANT).token
    azcred.journal.assert_tokens(tenant=TENANT, times=1)


def test_providers_by_variable(azcred: Azcred, sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a developer, those of production, one by name; an argument is stronger than the variable."""
    azcred.environment("virtual-machine", "developer-azure-cli")
    tried = []
    settings: list[tuple[str, dict[str, object]]] = [
        ("dev", {}),
        ("prod", {}),
        ("AzureCliCredential", {}),
        ("dev", {"exclude_cli_credential": True, "exclude_managed_identity_credential": False}),
    ]
    for value, keywords in settings:
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", value)
        azcred.journal.clear()
        sdk.credential("DefaultAzureCredential", **keywords).get_token(SCOPE)
        tried.append(next(entry.provider for entry in azcred.journal.requests() if entry.answered))
    assert tried == ["azure-cli", "managed-identity", "azure-cli", "managed-identity"]
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "SomethingElse")
    with pytest.raises(ValueError, match="Invalid value for AZURE_TOKEN_CREDENTIALS"):
        sdk.credential("DefaultAzureCredential")
