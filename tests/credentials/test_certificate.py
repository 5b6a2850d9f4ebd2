"""An application with a certificate: azure-identity's credential and ours, against the emulated token service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.implementations import Implementation, kind_of
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from support.entra import VAULT, Entra, claims_of

from azcred_emulators.directory import Application, TrustedSubject, contoso, identifiers
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred

pytestmark = pytest.mark.slow

TENANT = contoso.TENANT.id
SCOPE = f"{VAULT}/.default"

FORMS: dict[str, Callable[[SigningKey], dict[str, Any]]] = {
    "PEM": lambda key: {"certificate_data": key.pem()},
    "PEM with a password": lambda key: {"certificate_data": key.pem(password="pw"), "password": "pw"},
    "PKCS #12": lambda key: {"certificate_data": key.pfx()},
    "PKCS #12 with a password": lambda key: {"certificate_data": key.pfx(password="pw"), "password": b"pw"},
}


@pytest.fixture(scope="module")
def key() -> SigningKey:
    """The key of the job's certificate."""
    return SigningKey("job")


@pytest.fixture
def job(entra: Entra, key: SigningKey) -> Application:
    """An application with that certificate."""
    return entra.add_web_app("job", certificates=(key.certificate,), secrets=())


@pytest.mark.parametrize("form", FORMS)
def test_a_certificate_in_each_form(
    azcred: Azcred, package: Implementation, job: Application, key: SigningKey, form: str
) -> None:
    """It signs an assertion: one request for the OpenID configuration and one for the token, which is kept."""
    credential = package.CertificateCredential(TENANT, job.client_id, **FORMS[form](key))
    claims = claims_of(credential.get_token(SCOPE).token)
    assert (claims["appid"], claims["appidacr"], claims["aud"]) == (job.client_id, "2", VAULT)
    credential.get_token(SCOPE)
    assert [entry.operation for entry in azcred.journal.requests()] == ["openid-configuration", "token"]


@pytest.mark.parametrize("suffix", ["pem", "pfx"])
def test_a_certificate_from_a_file(
    package: Implementation, job: Application, key: SigningKey, tmp_path: Path, suffix: str
) -> None:
    """What is in it counts, not its name."""
    file = tmp_path / "certificate"
    file.write_bytes(key.pem(password="pw") if suffix == "pem" else key.pfx(password="pw"))
    credential = package.CertificateCredential(TENANT, job.client_id, str(file), password="pw")
    assert claims_of(credential.get_token(SCOPE).token)["appid"] == job.client_id


@pytest.mark.parametrize("form", ["pem", "pfx"])
def test_trust_by_subject_name_and_issuer(package: Implementation, entra: Entra, form: str) -> None:
    """It takes the chain, which is sent only if the app wants that."""
    root = SigningKey("Contoso Root")
    key = SigningKey("job.contoso.com", issued_by=root)
    job = entra.add_web_app("job", trusted_subjects=(TrustedSubject("job.contoso.com", root.certificate),))
    data = getattr(key, form)()
    chain = package.CertificateCredential(
        TENANT, job.client_id, certificate_data=data, send_certificate_chain=True
    ).get_token(SCOPE)
    assert claims_of(chain.token)["appid"] == job.client_id
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        package.CertificateCredential(TENANT, job.client_id, certificate_data=data).get_token(SCOPE)


def test_a_certificate_that_is_not_registered(azcred: Azcred, package: Implementation, job: Application) -> None:
    """The token service refuses it, and a chain stops there."""
    credential = package.CertificateCredential(TENANT, job.client_id, certificate_data=SigningKey("stranger").pem())
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027") as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert [entry.status for entry in azcred.journal.requests(operation="token")] == [401]


OPEN = serialization.NoEncryption()


def elliptic() -> bytes:
    """A key that Entra ID does not accept, with a certificate that is not its own."""
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, OPEN
    )
    return private + SigningKey("job").certificate.public_bytes(serialization.Encoding.PEM)


WRONG: dict[str, tuple[Callable[[SigningKey], dict[str, Any]], type[Exception]]] = {
    "nothing": (lambda key: {}, ValueError),
    "no certificate at all": (lambda key: {"certificate_data": b"garbage"}, ValueError),
    "a key without a certificate": (
        lambda key: {"certificate_data": key.pem().partition(b"-----BEGIN CERTIFICATE")[0]},
        ValueError,
    ),
    "a certificate without a key": (
        lambda key: {"certificate_data": key.certificate.public_bytes(serialization.Encoding.PEM)},
        ValueError,
    ),
    "another password": (lambda key: {"certificate_data": key.pem(password="pw"), "password": "no"}, ValueError),
    "another PKCS #12 password": (
        lambda key: {"certificate_data": key.pfx(password="pw"), "password": "no"},
        ValueError,
    ),
    "a PKCS #12 file without a key": (
        lambda key: {
            "certificate_data": pkcs12.serialize_key_and_certificates(None, None, key.certificate, None, OPEN)
        },
        ValueError,
    ),
    "no password": (lambda key: {"certificate_data": key.pem(password="pw")}, TypeError),
    "a needless password": (lambda key: {"certificate_data": key.pem(), "password": "pw"}, TypeError),
    "a key that is not RSA": (lambda key: {"certificate_data": elliptic()}, ValueError),
    "no such file": (lambda key: {"certificate_path": "/nowhere/job.pem"}, FileNotFoundError),
    "two at once": (lambda key: {"certificate_path": "job.pem", "certificate_data": key.pem()}, ValueError),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_certificate_that_cannot_be_used(package: Implementation, key: SigningKey, wrong: str) -> None:
    """The app learns it when it starts, by the same class of error as with azure-identity."""
    arguments, expected = WRONG[wrong]
    with pytest.raises(expected) as raised:
        package.CertificateCredential(TENANT, identifiers.SERVICE_PRINCIPAL_CLIENT_ID, **arguments(key))
    assert "pw" not in str(raised.value).split()


def test_tokens_are_not_kept_on_disk() -> None:
    """Whoever relies on it must know: unlike azure-identity we refuse."""
    from pytest_azcred.credentials import ClientSecretCredential

    with pytest.raises(ValueError, match="cache_persistence_options"):
        ClientSecretCredential(TENANT, "client", "secret", cache_persistence_options=object())
