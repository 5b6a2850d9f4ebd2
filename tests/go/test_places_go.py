"""Unmodified azidentity for Go in every environment, which it reaches by variables alone: it goes by the proxy for the
metadata address, too, and by SSL_CERT_FILE for the certificate authority."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import stage
from support.outcomes import SCOPE, needs_built, needs_namespaces, whose

from azcred_emulators.directory import contoso, identifiers
from azcred_emulators.environments import ENVIRONMENTS, find

PROGRAM = Path(__file__).parents[2] / ".stamps" / "go" / "token"
# Its default chain has no browser.
PLACES = {one.name: one.user or one.client_id for one in ENVIRONMENTS.values() if one.provider and not one.browser}

pytestmark = [
    needs_namespaces,
    pytest.mark.skipif(not shutil.which("go"), reason="go is not installed"),
    needs_built(PROGRAM, Path(__file__).parent, "test-go"),
]


def test_the_default_chain_finds_the_identity_of_the_place() -> None:
    """Everywhere."""
    answers = stage.tour([PROGRAM], list(PLACES), {"credential": "DefaultAzureCredential", "scope": SCOPE})
    assert {place: whose(answer) for place, answer in answers.items()} == PLACES


def test_where_there_is_none() -> None:
    """The chain is unavailable as a whole, and does not wait for a metadata service."""
    answers = stage.tour([PROGRAM], ["nothing"], {"credential": "DefaultAzureCredential", "scope": SCOPE})
    assert answers["nothing"]["error"] == "*azidentity.credentialUnavailableError"
    assert (
        "ManagedIdentityCredential: failed to authenticate a system assigned identity" in answers["nothing"]["message"]
    )


def test_a_wrong_secret() -> None:
    """Entra ID's code is in the error."""
    request = {
        "credential": "ClientSecretCredential",
        "scope": SCOPE,
        "tenant_id": contoso.TENANT.id,
        "client_id": identifiers.SERVICE_PRINCIPAL_CLIENT_ID,
        "client_secret": "wrong",
    }
    answer = stage.tour([PROGRAM], ["nothing"], request)["nothing"]
    assert answer["error"] == "*azidentity.AuthenticationFailedError"
    assert "AADSTS7000215" in answer["message"]


@pytest.mark.parametrize("through", [True, False], ids=["through the proxy", "past it"])
def test_an_identity_binding(through: bool) -> None:
    """Its credential finds the cluster's proxy for tokens if it is told to; Entra ID itself does not know the pod."""
    place = "kubernetes-identity-binding"
    request = {"credential": "WorkloadIdentityCredential", "scope": SCOPE, "enable_azure_proxy": through}
    found = whose(stage.tour([PROGRAM], [place], request)[place])
    assert found == find(place).client_id if through else "AADSTS700211" in found
