"""Unmodified azure-identity for Java in environments, which it reaches by variables alone.

JAVA_TOOL_OPTIONS names the proxy and the trusted certificates to every virtual machine. One environment of each kind
is enough, for a virtual machine takes seconds to start.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support import stage
from support.outcomes import SCOPE, needs_built, needs_namespaces, whose

from azcred_emulators.directory import contoso, identifiers
from azcred_emulators.environments import find

FOLDER = Path(__file__).parents[2] / ".stamps" / "java"
COMMAND = (
    "java",
    "-XX:TieredStopAtLevel=1",
    "-cp",
    f"{FOLDER / 'classes'}{os.pathsep}{FOLDER / 'lib' / '*'}",
    "Tokens",
)
PLACES = (
    "virtual-machine",
    "app-service",
    "container-apps",
    "azure-arc",
    "cloud-shell",
    "service-fabric",
    "kubernetes",
    "on-premises-secret",
    "on-premises-certificate",
    "developer-azure-cli",
)

pytestmark = [
    needs_namespaces,
    pytest.mark.skipif(not shutil.which("java"), reason="java is not installed"),
    needs_built(FOLDER / "classes", Path(__file__).parent, "test-java"),
]
DEFAULT = {"credential": "DefaultAzureCredential", "scope": SCOPE}


def test_the_default_chain_finds_the_identity_of_the_place() -> None:
    """Where its SDK has a way to it."""
    places = [find(place) for place in PLACES]
    answers = stage.tour(COMMAND, PLACES, DEFAULT)
    found = {place: whose(answer) for place, answer in answers.items()}
    assert found == {place.name: place.user or place.client_id for place in places}


def test_azure_ml_is_no_place_for_it() -> None:
    """It takes Azure ML for Cloud Shell, so it does not show the secret that Azure ML wants to see."""
    answer = stage.tour(COMMAND, ["machine-learning"], DEFAULT)["machine-learning"]
    assert answer["error"] == "ClientAuthenticationException"
    assert answer["errors"] == ["Invalid secret token header: ."]


def test_an_identity_binding_is_no_place_for_it() -> None:
    """It goes past the cluster's proxy for tokens to Entra ID, which does not know the pod."""
    answer = stage.tour(COMMAND, ["kubernetes-identity-binding"], DEFAULT)["kubernetes-identity-binding"]
    assert answer["error"] == "ClientAuthenticationException"
    assert answer["errors"][-1] == "AADSTS700211"


def test_where_there_is_none() -> None:
    """The chain is unavailable as a whole."""
    answer = stage.tour(COMMAND, ["nothing"], DEFAULT)["nothing"]
    assert answer["error"] == "CredentialUnavailableException"
    assert "Managed Identity authentication is not available." in answer["message"]


def test_a_wrong_secret() -> None:
    """Entra ID's code is in the error, which is msal's own, wrapped."""
    request = {
        "credential": "ClientSecretCredential",
        "scope": SCOPE,
        "tenant_id": contoso.TENANT.id,
        "client_id": identifiers.SERVICE_PRINCIPAL_CLIENT_ID,
        "client_secret": "wrong",
    }
    answer = stage.tour(COMMAND, ["nothing"], request)["nothing"]
    assert "AADSTS7000215" in answer["message"]
