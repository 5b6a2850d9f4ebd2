"""Unmodified @azure/identity for Node.js against the emulators, addressed by its own options and variables."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest

from azcred_emulators.directory import Application, contoso, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.serving.tls import write_private
from azcred_emulators.tokens.keys import SigningKey

ROOT = Path(__file__).parents[2]
VAULT = "https://vault.azure.net"


@pytest.fixture
def emulators(azcred_emulators: Emulators) -> Iterator[Emulators]:
    """The emulators in the state they start in; Node.js is another process, so nothing is redirected in this one."""
    yield azcred_emulators
    azcred_emulators.reset()


@pytest.fixture
def application(emulators: Emulators) -> Application:
    """The service principal of the directory that a run starts with."""
    principal = emulators.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(principal, Application)
    return principal


def get_token(
    emulators: Emulators,
    tmp_path: Path,
    credential: str,
    *parameters: object,
    options: Mapping[str, object] | None = None,
    variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run Node.js with one credential and return the token or error it printed."""
    certificate = write_private(tmp_path / "authority.pem", emulators.certificate_authority.pem.encode())
    request = {
        "credential": credential,
        "parameters": parameters,
        "options": {"authorityHost": emulators.https.url, "disableInstanceDiscovery": True, **(options or {})},
        "scope": f"{VAULT}/.default",
    }
    result = subprocess.run(
        ["node", str(Path(__file__).with_name("token.cjs"))],
        input=json.dumps(request),
        env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(certificate), **(variables or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return dict(json.loads(result.stdout))


def client_id_of(result: Mapping[str, Any]) -> object:
    """Read whose token it is."""
    assert "token" in result, result
    return jwt.decode(result["token"], options={"verify_signature": False})["appid"]


def test_a_client_secret(emulators: Emulators, application: Application, tmp_path: Path) -> None:
    """The token is the application's, and the journal has the discovery and the request."""
    result = get_token(
        emulators,
        tmp_path,
        "ClientSecretCredential",
        contoso.TENANT.id,
        application.client_id,
        application.secrets[0].value,
    )
    assert client_id_of(result) == application.client_id
    emulators.journal.assert_tokens(provider="environment", times=1)


def test_a_wrong_client_secret(emulators: Emulators, application: Application, tmp_path: Path) -> None:
    """The SDK reports Entra ID's code."""
    result = get_token(emulators, tmp_path, "ClientSecretCredential", contoso.TENANT.id, application.client_id, "wrong")
    assert result["error"] == "AuthenticationRequiredError" or "AADSTS7000215" in result["message"]
    assert [entry.error for entry in emulators.journal.requests(operation="token")] == ["AADSTS7000215"]


@pytest.mark.parametrize("chain", [False, True], ids=["thumbprint", "chain"])
def test_a_certificate(emulators: Emulators, application: Application, tmp_path: Path, chain: bool) -> None:
    """The SDK signs its assertion with PS256 and names the certificate by its SHA-256 thumbprint."""
    key = SigningKey("orders")
    emulators.directory.replace(application, certificates=(key.certificate,))
    file = write_private(tmp_path / "certificate.pem", key.pem())
    result = get_token(
        emulators,
        tmp_path,
        "ClientCertificateCredential",
        contoso.TENANT.id,
        application.client_id,
        str(file),
        options={"sendCertificateChain": chain},
    )
    assert client_id_of(result) == application.client_id


def test_a_federated_assertion(emulators: Emulators, tmp_path: Path) -> None:
    """The cluster's token is exchanged for the workload identity's."""
    assertion = emulators.issuers.get(identifiers.CLUSTER_ISSUER).assertion(identifiers.SERVICE_ACCOUNT)
    result = get_token(
        emulators,
        tmp_path,
        "ClientAssertionCredential",
        contoso.TENANT.id,
        identifiers.WORKLOAD_CLIENT_ID,
        assertion,
    )
    assert client_id_of(result) == identifiers.WORKLOAD_CLIENT_ID
    emulators.journal.assert_tokens(provider="workload-identity", times=1)


def test_workload_identity_from_the_webhooks_variables(emulators: Emulators, tmp_path: Path) -> None:
    """What the webhook sets in a pod is all that the credential needs; the authority is the emulated one."""
    assertion = emulators.issuers.get(identifiers.CLUSTER_ISSUER).assertion(identifiers.SERVICE_ACCOUNT)
    variables = {
        "AZURE_CLIENT_ID": identifiers.WORKLOAD_CLIENT_ID,
        "AZURE_TENANT_ID": contoso.TENANT.id,
        "AZURE_FEDERATED_TOKEN_FILE": str(write_private(tmp_path / "token", assertion.encode())),
        "AZURE_AUTHORITY_HOST": emulators.https.url,
    }
    result = get_token(emulators, tmp_path, "WorkloadIdentityCredential", variables=variables)
    assert client_id_of(result) == identifiers.WORKLOAD_CLIENT_ID


def test_managed_identity_from_imds(emulators: Emulators, tmp_path: Path) -> None:
    """The SDK lower-cases the path and adds a slash; IMDS does not mind."""
    result = get_token(
        emulators,
        tmp_path,
        "ManagedIdentityCredential",
        variables={"AZURE_POD_IDENTITY_AUTHORITY_HOST": emulators.http.url},
    )
    assert client_id_of(result) == identifiers.VIRTUAL_MACHINE_CLIENT_ID
    emulators.journal.assert_tokens(host="imds", resource=VAULT, times=1)


def test_the_default_chain_finds_the_service_principal(
    emulators: Emulators, application: Application, tmp_path: Path
) -> None:
    """The variables come first, as in every language."""
    variables = {
        "AZURE_CLIENT_ID": application.client_id,
        "AZURE_CLIENT_SECRET": application.secrets[0].value,
        "AZURE_TENANT_ID": contoso.TENANT.id,
    }
    result = get_token(emulators, tmp_path, "DefaultAzureCredential", variables=variables)
    assert client_id_of(result) == application.client_id
    emulators.journal.assert_tokens(provider="environment", times=1)
    emulators.journal.assert_tokens(provider="managed-identity", times=0)
