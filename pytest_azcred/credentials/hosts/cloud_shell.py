"""Azure Cloud Shell, whose tokens are those of the user who has opened it."""

from __future__ import annotations

from .host import Host

HOST = Host(
    name="Cloud Shell",
    endpoint="MSI_ENDPOINT",
    headers={"Metadata": "true"},
    method="POST",
    parameters={},
    # It has none to choose from. DefaultAzureCredential names one nevertheless if AZURE_CLIENT_ID is set.
    selectors={"client_id": "client_id", "object_id": "object_id", "resource_id": "resource_id"},
    token_is_refused="failed",
    answer_is_unreadable="unavailable",
)
