"""Real tools and clients of Azure services through `azcred run`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from support.azcred_run import ROOT, Ran

from azcred_emulators.directory.identifiers import SERVICE_PRINCIPAL_CLIENT_ID, VIRTUAL_MACHINE_CLIENT_ID

AZ = ROOT / ".venv-az" / "bin" / "az"
CONFIGURATION = """
[[resources]]
url = "https://shop.vault.azure.net"

[[resources.answers]]
path = "/secrets/database"
json = { value = "hunter2", id = "https://shop.vault.azure.net/secrets/database/1" }
"""
CLIENTS = """
import sys
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobServiceClient
with DefaultAzureCredential() as credential:
    if "vault" in sys.argv:
        with SecretClient("https://shop.vault.azure.net", credential) as vault:
            print(vault.get_secret("database").value)
    if "blob" in sys.argv:
        with BlobServiceClient("https://myaccount.blob.core.windows.net", credential=credential) as storage:
            storage.create_container("reports").upload_blob("today", b"hello")
            print(storage.get_blob_client("reports", "today").download_blob().readall().decode())
"""
WITHOUT_REDIRECTION = ("env", "-u", "PYTHONPATH", "-u", "AZCRED_ROUTING")


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A file that puts a vault with a secret at its real address."""
    path = tmp_path / "azcred.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.mark.parametrize("how", ["redirected", "by variables alone"])
def test_key_vault(azcred_run: Callable[..., Ran], configuration: Path, how: str) -> None:
    """The client asks at the real address, is challenged, gets a token and then the secret."""
    command = (*(() if how == "redirected" else WITHOUT_REDIRECTION), sys.executable, "-c", CLIENTS, "vault")
    ran = azcred_run(*command, environments=("kubernetes",), options=("--config", str(configuration)))
    assert (ran.stdout, ran.exit_code) == ("hunter2\n", 0), ran.stderr
    statuses = [one["status"] for one in ran.requests if one["emulator"] == "resource"]
    assert statuses == [401, 200]


@pytest.mark.skipif(not (ROOT / "node_modules" / "azurite").exists(), reason="Azurite is not installed; run: npm ci")
def test_blob_storage(azcred_run: Callable[..., Ran]) -> None:
    """The account is at its real address; its requests are in the journal beside those for tokens."""
    command = (*WITHOUT_REDIRECTION, sys.executable, "-c", CLIENTS, "blob")
    ran = azcred_run(*command, environments=("app-service",), options=("--azurite", "myaccount"))
    assert (ran.stdout, ran.exit_code) == ("hello\n", 0), ran.stderr
    assert [(one["emulator"], one["resource"]) for one in ran.requests] == [
        ("app-service", "https://storage.azure.com"),
        *[("storage", "https://storage.azure.com")] * 3,
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--config", "/nonexistent.toml"), "/nonexistent.toml cannot be used: No such file or directory"),
        (("--azurite", "orders", "--config", "pyproject.toml"), "the configuration has no key"),
    ],
)
def test_what_cannot_be_used_is_said(azcred_run: Callable[..., Ran], options: tuple[str, ...], reason: str) -> None:
    """Before the command runs."""
    ran = azcred_run("echo", "ran", options=options)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert reason in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not AZ.exists(), reason="the Azure CLI is not installed; run: make test-az")
def test_the_real_azure_cli(azcred_run: Callable[..., Ran]) -> None:
    """It signs in with a secret and with a managed identity, and hands out tokens, in a shell where it knows nobody."""
    script = f"""
        set -e
        export AZURE_CORE_COLLECT_TELEMETRY=no
        unset PYTHONPATH AZCRED_ROUTING
        az() {{ '{AZ}' "$@"; }}
        az login --service-principal --username "$AZURE_CLIENT_ID" --password "$AZURE_CLIENT_SECRET" \\
            --tenant "$AZURE_TENANT_ID" --allow-no-subscriptions --output none
        az account get-access-token --resource https://vault.azure.net --query accessToken
        az logout
        az login --identity --allow-no-subscriptions --output none
        az account get-access-token --resource https://vault.azure.net --query accessToken
    """
    ran = azcred_run("sh", "-c", script, environments=("virtual-machine", "developer-service-principal"))
    assert ran.exit_code == 0, ran.stderr
    tokens = [json.loads(line) for line in ran.stdout.splitlines()]
    identities = [jwt.decode(token, options={"verify_signature": False})["appid"] for token in tokens]
    assert identities == [SERVICE_PRINCIPAL_CLIENT_ID, VIRTUAL_MACHINE_CLIENT_ID]


@pytest.mark.skipif(not AZ.exists(), reason="the Azure CLI is not installed; run: make test-az")
@pytest.mark.skipif(not (ROOT / "node_modules" / "azurite").exists(), reason="Azurite is not installed; run: npm ci")
@pytest.mark.timeout(300)  # each call takes a second, and more on a busy machine
def test_the_real_azure_cli_and_storage(azcred_run: Callable[..., Ran], tmp_path: Path) -> None:
    """With a machine's identity it uploads and lists a blob, and asks a queue; all of that is in the journal."""
    script = f"""
        set -e
        cd '{tmp_path}'
        export AZURE_CORE_COLLECT_TELEMETRY=no AZURE_STORAGE_AUTH_MODE=login AZURE_STORAGE_ACCOUNT=myaccount
        unset PYTHONPATH AZCRED_ROUTING
        az() {{ '{AZ}' "$@" --output tsv; }}
        az login --identity --allow-no-subscriptions >&2
        az storage container create --name photos --query created
        echo meow > cat.jpg
        az storage blob upload --container-name photos --name cat.jpg --file cat.jpg --no-progress >&2
        az storage blob list --container-name photos --query '[].name'
        az storage queue create --name jobs --query created
    """
    ran = azcred_run("sh", "-c", script, environments=("virtual-machine",), options=("--azurite", "myaccount"))
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.split() == ["true", "cat.jpg", "true"]
    stored = [one for one in ran.requests if one["emulator"] == "storage"]
    assert {one["operation"] for one in stored} == {"blob", "queue"}
    assert {one["client_id"] for one in stored} == {VIRTUAL_MACHINE_CLIENT_ID}
