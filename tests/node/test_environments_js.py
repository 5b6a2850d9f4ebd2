"""Unmodified @azure/identity for Node.js in the environments of the table: its DefaultAzureCredential, by variables."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest

from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import ENVIRONMENTS, Environment
from azcred_emulators.environments.active import Setup
from azcred_emulators.serving.tls import write_private

ROOT = Path(__file__).parents[2]
VAULT = "https://vault.azure.net"


# A process in a mount namespace sees other files than the machine has, at fixed places: Azure Arc's, names of hosts.
_NAMESPACES = ("unshare", "--map-root-user", "--mount")
_AGENT = 'mount -t tmpfs none /var/opt && mkdir /var/opt/azcmagent && mount --bind "$0" /var/opt/azcmagent && exec "$@"'
_NAMES = 'mount --bind "$0" /etc/hosts && exec "$@"'


def _has_namespaces() -> bool:
    try:
        return subprocess.run([*_NAMESPACES, "mount", "-t", "tmpfs", "none", "/var/opt"], check=False).returncode == 0
    except OSError:
        return False


NAMESPACES = pytest.mark.skipif(
    not _has_namespaces(), reason="unshare can make no mount namespace here, for files at fixed places"
)


@pytest.fixture
def emulators(azcred_emulators: Emulators) -> Iterator[Emulators]:
    """The emulators in the state they start in; Node.js is another process, so nothing is redirected in this one."""
    yield azcred_emulators
    azcred_emulators.reset()


def enter(emulators: Emulators, environment: Environment) -> Setup:
    """Put an environment in place; where IMDS does not belong to it, the machine has no identity there."""
    setup = emulators.active.enter(environment)
    if environment.host != "imds":
        emulators.directory.unassign("imds", *emulators.directory.assigned("imds"))
    return setup


def get_token(
    emulators: Emulators,
    setup: Setup,
    tmp_path: Path,
    *,
    credential: str = "DefaultAzureCredential",
    options: Mapping[str, object] | None = None,
    variables: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> dict[str, Any]:
    """Run Node.js with the variables of an environment and return the token or error it printed."""
    request = {
        "credential": credential,
        "parameters": [],
        "options": {"disableInstanceDiscovery": True, **(options or {})},
        "scope": f"{VAULT}/.default",
    }
    own = {name: value for name, value in setup.variables.items() if value is not None}
    certificate = write_private(tmp_path / "authority.pem", emulators.certificate_authority.pem.encode())
    result = subprocess.run(
        [*within, "node", str(Path(__file__).with_name("token.cjs"))],
        input=json.dumps(request),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": emulators.http.url,
            "NODE_EXTRA_CA_CERTS": str(certificate),
            **own,
            "AZURE_AUTHORITY_HOST": emulators.https.url,
            **(variables or {}),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return dict(json.loads(result.stdout))


def assert_identity(emulators: Emulators, environment: Environment, result: Mapping[str, Any]) -> None:
    """Check that the token is that of the environment's identity or user, and that its provider has handed it out."""
    assert "token" in result, result
    claims = jwt.decode(result["token"], options={"verify_signature": False})
    if environment.user:
        assert claims["upn"] == environment.user
    else:
        assert claims["appid"] == environment.client_id
    emulators.journal.assert_tokens(provider=environment.provider, times=1)


@pytest.mark.parametrize(
    "environment",
    [one for one in ENVIRONMENTS.values() if one.provider and not one.browser and one.name != "azure-arc"],
    ids=lambda environment: environment.name,
)
def test_its_identity_wins(emulators: Emulators, tmp_path: Path, environment: Environment) -> None:
    """In every one; @azure/identity has no link of its own for a browser."""
    setup = enter(emulators, environment)
    assert_identity(emulators, environment, get_token(emulators, setup, tmp_path))


@NAMESPACES
def test_azure_arc(emulators: Emulators, tmp_path: Path) -> None:
    """The key's file is at its fixed place for this process alone."""
    environment = ENVIRONMENTS["azure-arc"]
    setup = enter(emulators, environment)
    within = (*_NAMESPACES, "sh", "-c", _AGENT, str(setup.folders["/var/opt/azcmagent"]))
    assert_identity(emulators, environment, get_token(emulators, setup, tmp_path, within=within))
    assert [entry.status for entry in emulators.journal.requests(host="azure-arc")] == [401, 200]


@NAMESPACES
def test_an_identity_binding(emulators: Emulators, tmp_path: Path) -> None:
    """WorkloadIdentityCredential asks the cluster's proxy if it is told to, for an authority that is never dialled."""
    environment = ENVIRONMENTS["kubernetes-identity-binding"]
    setup = enter(emulators, environment)
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost login.microsoftonline.com\n")  # what goes astray does not get far
    result = get_token(
        emulators,
        setup,
        tmp_path,
        credential="WorkloadIdentityCredential",
        options={"enableAzureProxy": True},
        variables={"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com"},
        within=(*_NAMESPACES, "sh", "-c", _NAMES, str(hosts)),
    )
    assert "token" in result, result
    assert jwt.decode(result["token"], options={"verify_signature": False})["appid"] == environment.client_id
    assert [entry.status for entry in emulators.journal.requests(host="identity-binding")] == [200]


def test_nothing(emulators: Emulators, tmp_path: Path) -> None:
    """The chain ends with every provider's reason; IMDS is there, but has no identity."""
    setup = enter(emulators, ENVIRONMENTS["nothing"])
    result = get_token(emulators, setup, tmp_path)
    assert result["error"] == "AggregateAuthenticationError", result
    assert [entry.error for entry in emulators.journal.requests()] == ["Identity not found"]


@pytest.mark.parametrize("name", ["app-service", "virtual-machine"])
def test_a_host_without_an_identity(emulators: Emulators, tmp_path: Path, name: str) -> None:
    """ManagedIdentityCredential says that it is unavailable."""
    environment = ENVIRONMENTS[name]
    setup = enter(emulators, environment)
    identity = emulators.directory.principal(environment.client_id or "")
    assert isinstance(identity, ManagedIdentity)
    emulators.directory.remove(identity)
    result = get_token(emulators, setup, tmp_path, credential="ManagedIdentityCredential")
    assert result["error"] in ("CredentialUnavailableError", "AuthenticationRequiredError", "AuthenticationError"), (
        result
    )
    assert emulators.journal.requests()[-1].host == environment.host
