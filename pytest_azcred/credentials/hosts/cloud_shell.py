"""Azure Cloud Shell, whose tokens are those of the user who has opened it."""

from __future__ import annotations

from pytest_azcred.credentials.http import Answer

from .host import Host, Meaning


def without_token(answer: Answer) -> Meaning:
    """Text that is no JSON comes from somebody else."""
    return "unavailable" if answer.payload is None and answer.text not in ("", "null") else "failed"


HOST = Host(
    name="Cloud Shell",
    endpoint="MSI_ENDPOINT",
    headers={"Metadata": "true"},
    method="POST",
    parameters={},
    # It has none to choose from. DefaultAzureCredential names one nevertheless if AZURE_CLIENT_ID is set.
    selectors={"client_id": "client_id", "object_id": "object_id", "resource_id": "resource_id"},
    without_token=without_token,
)
