"""Emulators whose environments are for other processes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from azcred_emulators import Emulators
from azcred_emulators.environments import find, jvm
from azcred_emulators.serving.tls import CertificateAuthority

pytestmark = pytest.mark.slow

PROGRAM = """
import jwt
from azure.identity import DefaultAzureCredential
with DefaultAzureCredential() as credential:
    token = credential.get_token("https://vault.azure.net/.default").token
claims = jwt.decode(token, options={"verify_signature": False})
print(claims.get("upn") or claims["appid"])
"""


@pytest.mark.parametrize("name", ["developer-azure-cli", "virtual-machine", "functions"])
def test_a_process_finds_itself_in_the_environment(name: str) -> None:
    """Its variables are all that it needs; Python is not redirected here."""
    with Emulators(environment=name) as emulators:
        command = [sys.executable, "-c", PROGRAM]
        ran = subprocess.run(command, env=emulators.variables(), capture_output=True, text=True, check=False)
        place = find(name)
        assert ran.stdout.strip() == (place.user or place.client_id), ran.stderr
        emulators.journal.assert_tokens(provider=place.provider, times=1)


def test_variables_are_those_given_without_this_machines_identity() -> None:
    """A proxy, a secret and a tool of the user's are not passed on; everything else is."""
    given = {"AZURE_CLIENT_SECRET": "mine", "https_proxy": "http://proxy.example", "LANG": "C", "PATH": "/usr/bin"}
    with Emulators(environment=["kubernetes", "virtual-machine"]) as emulators:
        variables = emulators.variables(given)
        assert "AZURE_CLIENT_SECRET" not in variables
        assert variables["LANG"] == "C"
        assert variables["https_proxy"] == variables["HTTPS_PROXY"] == emulators.http.url
        assert Path(variables["AZURE_FEDERATED_TOKEN_FILE"]).read_text().count(".") == 2
        assert Path(variables["HOME"]).is_relative_to(emulators.folder)
    assert not emulators.folder.exists()


def test_an_environment_that_does_not_exist() -> None:
    """The nearest one is named."""
    with pytest.raises(LookupError, match="did you mean 'app-service'"):
        Emulators(environment="app-servce")


@pytest.mark.skipif(not shutil.which("keytool"), reason="keytool is not installed; a JDK brings it")
def test_javas_own_tool_reads_the_trust_store(tmp_path: Path) -> None:
    """It finds one trusted certificate, unharmed."""
    store = tmp_path / "authority.jks"
    authority = CertificateAuthority()
    store.write_bytes(jvm.trust_store(authority.der))
    command = ["keytool", "-list", "-rfc", "-keystore", str(store), "-storepass", "changeit"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "trustedCertEntry" in printed
    assert authority.pem.split("\n")[1] in printed.replace("\r", "")
