"""The real clients of Key Vault set and read secrets, keys and certificates."""

from __future__ import annotations

import asyncio
import base64
import uuid

import azure.identity
import azure.identity.aio
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from azcred_emulators.apis.protected_resource import ProtectedResource
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def vault(azcred: Azcred) -> ProtectedResource:
    """A vault with a name of its own: the clients remember a vault's challenge for ever."""
    return azcred.resource(f"https://vault-{uuid.uuid4().hex[:8]}.vault.azure.net")


def test_secrets(vault: ProtectedResource, place: Place) -> None:
    """Set by the test or by the app, read, listed, changed, deleted, recovered."""
    secrets = sdk("azure.keyvault.secrets", "azure-keyvault-secrets")
    vault.fill(secrets={"database": "hunter2"})
    with azure.identity.DefaultAzureCredential() as credential, secrets.SecretClient(vault.url, credential) as client:
        assert client.get_secret("database").value == "hunter2"
        first = client.set_secret("api-key", "one", tags={"team": "shop"}, content_type="text/plain")
        client.set_secret("api-key", "two")
        assert vault.content["secrets"] == {"database": "hunter2", "api-key": "two"}
        assert client.get_secret("api-key", first.properties.version).value == "one"
        assert first.properties.tags == {"team": "shop"}
        client.update_secret_properties("database", enabled=False)
        assert [(each.name, each.enabled) for each in client.list_properties_of_secrets()] == [
            ("database", False),
            ("api-key", True),
        ]
        assert len(list(client.list_properties_of_secret_versions("api-key"))) == 2
        client.begin_delete_secret("api-key", _polling_interval=0).wait()
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            client.get_secret("api-key")
        assert client.get_deleted_secret("api-key").recovery_id.endswith("/deletedsecrets/api-key")
        assert [each.name for each in client.list_deleted_secrets()] == ["api-key"]
        client.begin_recover_deleted_secret("api-key", _polling_interval=0).wait()
        assert client.get_secret("api-key").value == "two"
        client.begin_delete_secret("api-key", _polling_interval=0).wait()
        client.purge_deleted_secret("api-key")
        assert list(client.list_deleted_secrets()) == []
    assert {each.identity for each in vault.requests if each.claims} == {place.identity.name}
    assert place.requests()[-1].resource == "https://vault.azure.net"


def test_secrets_with_asyncio(vault: ProtectedResource, place: Place) -> None:
    """The same client's other half."""
    secrets = sdk("azure.keyvault.secrets.aio", "azure-keyvault-secrets")

    async def set_and_read() -> str | None:
        async with (
            azure.identity.aio.DefaultAzureCredential() as credential,
            secrets.SecretClient(vault.url, credential) as client,
        ):
            await client.set_secret("api-key", "one")
            value: str | None = (await client.get_secret("api-key")).value
            return value

    assert asyncio.run(set_and_read()) == "one"


def test_keys(vault: ProtectedResource, place: Place) -> None:
    """RSA and elliptic curves; what is read is the public part."""
    keys = sdk("azure.keyvault.keys", "azure-keyvault-keys")
    vault.fill(keys={"signing": "RSA"})
    with azure.identity.DefaultAzureCredential() as credential, keys.KeyClient(vault.url, credential) as client:
        signing = client.get_key("signing")
        assert (signing.key_type, signing.key.d, len(signing.key.n)) == ("RSA", None, 256)
        made = client.create_ec_key("curve", curve="P-384")
        assert client.get_key("curve", made.properties.version).key.crv == "P-384"
        assert vault.content["keys"]["curve"]["crv"] == "P-384"
        assert {each.name for each in client.list_properties_of_keys()} == {"signing", "curve"}
        with pytest.raises(HttpResponseError, match="there is no key of type"):
            client.create_rsa_key("small", size=1024)


def test_certificates(vault: ProtectedResource, place: Place) -> None:
    """Made in the vault or elsewhere; the secret of the same name has the private key."""
    certificates = sdk("azure.keyvault.certificates", "azure-keyvault-certificates")
    secrets = sdk("azure.keyvault.secrets", "azure-keyvault-secrets")
    vault.fill(certificates={"tls": "CN=shop.contoso.com"})
    with (
        azure.identity.DefaultAzureCredential() as credential,
        certificates.CertificateClient(vault.url, credential) as client,
        secrets.SecretClient(vault.url, credential) as secret_client,
    ):
        tls = client.get_certificate("tls")
        assert x509.load_der_x509_certificate(bytes(tls.cer)).subject.rfc4514_string() == "CN=shop.contoso.com"
        assert vault.content["certificates"]["tls"].startswith("-----BEGIN CERTIFICATE")
        policy = certificates.CertificatePolicy(issuer_name="Self", subject="CN=made")
        assert client.begin_create_certificate("made", policy).result().policy.subject == "CN=made"
        packed = secret_client.get_secret("tls").value
        key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(packed), None)
        assert certificate
        assert key
        imported = client.import_certificate("imported", base64.b64decode(packed))
        assert bytes(imported.cer) == bytes(tls.cer)


def test_the_identity_has_no_role(vault: ProtectedResource, place: Place) -> None:
    """As without "Key Vault Secrets User"."""
    secrets = sdk("azure.keyvault.secrets", "azure-keyvault-secrets")
    vault.fill(secrets={"database": "hunter2"}).allow("dana@contoso.com")
    with azure.identity.DefaultAzureCredential() as credential, secrets.SecretClient(vault.url, credential) as client:
        with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
            client.get_secret("database")
        vault.allow(place.identity.name)
        assert client.get_secret("database").value == "hunter2"


def test_what_a_vault_cannot_hold(vault: ProtectedResource) -> None:
    """Is refused where the test fills it in."""
    with pytest.raises(ValueError, match="has no key 'secretz'; did you mean 'secrets'"):
        vault.fill(secretz={})
    with pytest.raises(ValueError, match="secrets of the stand-in KeyVault is a table, not"):
        vault.fill(secrets=["database"])
    with pytest.raises(ValueError, match="the value of the secret 'database' is text, not 5"):
        vault.fill(secrets={"database": 5})
    with pytest.raises(ValueError, match="there is no key of type 'DSA'"):
        vault.fill(keys={"signing": "DSA"})
