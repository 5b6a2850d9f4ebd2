"""Each installed client of the Azure SDK asks for a token that the host's row in the table of audiences names."""

from __future__ import annotations

from typing import Any

import azure.identity
import pytest
from services.clients import CLIENTS, SdkClient

from azcred_emulators.audiences import audiences_of
from pytest_azcred.azcred import Azcred

pytestmark = pytest.mark.filterwarnings("ignore")  # the clients' own: deprecated parts of the standard library


class RecordingCredential:
    """A managed identity's credential that notes the scopes it is asked for."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self._credential = azure.identity.ManagedIdentityCredential()

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token as azure-identity does."""
        self.scopes += scopes
        options.pop("tenant_id", None)
        return self._credential.get_token(*scopes, **options)

    def close(self) -> None:
        """Close the credential."""
        self._credential.close()

    def get_token_info(self, *scopes: str, **options: Any) -> Any:
        """Return a token as azure-identity does."""
        self.scopes += scopes
        return self._credential.get_token_info(*scopes, **options)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: f"{client.distribution}-{client.host}")
def test_the_table_has_what_the_client_asks_for(client: SdkClient, azcred: Azcred) -> None:
    """Entra ID hands it out, and the stand-in at the host takes it: what the test has set no answer for is a 404."""
    if not client.is_installed:
        pytest.skip(f"{client.distribution} is not installed; run: make test-services")
    azcred.environment("app-service")
    azcred.resource(f"https://{client.host}")
    credential = RecordingCredential()
    error = None
    try:
        client.use(credential)
    except Exception as raised:  # the client may have expected another answer
        error = raised
    assert credential.scopes, f"{client.distribution} has asked for no token: {error!r}"
    accepted = {audience.rstrip("/") for audience in audiences_of(client.host)}
    for scope in credential.scopes:
        assert scope.removesuffix("/.default").rstrip("/") in accepted
    tokens = azcred.journal.requests(operation="token")
    assert {entry.status for entry in tokens} == {200}
    assert azcred.journal.requests(emulator="resource")[-1].status != 401


def test_how_many_were_read(record_property: Any) -> None:
    """Of the installed clients, which are most of the table or none."""
    installed = {client.distribution for client in CLIENTS if client.is_installed}
    record_property("clients", len(installed))
    if 2 * len(installed) < len({client.distribution for client in CLIENTS}):
        pytest.skip(f"{len(installed)} clients of the table are installed; run: make test-services")
    missing = {client.distribution for client in CLIENTS} - installed
    assert not missing, f"the scopes of {len(installed)} clients were read; not installed: {', '.join(missing)}"
    print(f"the scopes of {len(installed)} clients at {len(CLIENTS)} hosts were read")
