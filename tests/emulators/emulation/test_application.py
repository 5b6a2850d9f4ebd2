"""The application that leads requests to the emulators and records them."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from azcred_emulators.emulators import Emulators

IMDS = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"


@pytest.mark.parametrize(
    ("base_url", "path", "emulator", "host"),
    [
        ("https://management.azure.com", "/subscriptions", "resource-manager", None),
        ("https://graph.microsoft.com", "/v1.0/me", "graph", None),
        ("https://login.microsoftonline.com", "/common/discovery/v2.0/keys", "authority", None),
        ("http://localhost", "/github-actions/idtoken", "github-actions", None),
        ("http://169.254.169.254", IMDS, "imds", "imds"),
        ("http://localhost", "/functions/msi/token", "functions", "functions"),
        ("https://localhost", "/identity-binding/common/discovery/v2.0/keys", "identity-binding", "identity-binding"),
    ],
)
def test_only_entries_of_hosts_have_a_host(
    emulators: Emulators, client: Client, base_url: str, path: str, emulator: str, host: str | None
) -> None:
    """It is the emulator's class that says so."""
    client.get(path, base_url=base_url)
    [entry] = emulators.journal.requests()
    assert (entry.emulator, entry.host) == (emulator, host)
    assert emulators.journal.requests(host=host) == [entry]
