"""App Service, Functions and Container Apps."""

from __future__ import annotations

from .host import Host

HOST = Host(
    name="App Service",
    endpoint="IDENTITY_ENDPOINT",
    secret=("X-IDENTITY-HEADER", "IDENTITY_HEADER"),
    headers={"Metadata": "true"},  # for Azure Automation, which looks the same
    parameters={"api-version": "2019-08-01"},
    selectors={"client_id": "client_id", "object_id": "object_id", "resource_id": "mi_res_id"},
)
