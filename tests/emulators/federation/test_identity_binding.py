"""The token proxy of AKS's identity bindings on the wire."""

import pytest
from werkzeug.test import Client, TestResponse

from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.directory import contoso, identifiers
from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulation.script import CRITERIA
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Status
from azcred_emulators.federation.identity_binding import AUDIENCE


def ask(emulators: Emulators, client: Client, audience: str = AUDIENCE) -> tuple[TestResponse, JournalEntry]:
    """Ask the proxy for a token as a pod does; returns the answer and the journal's entry."""
    [identity, *_] = emulators.directory.assigned("identity-binding")
    pod = emulators.issuers.get(identifiers.CLUSTER_ISSUER)
    form = {
        "grant_type": "client_credentials",
        "client_id": identity.client_id,
        "client_assertion_type": client_assertions.TYPE,
        "client_assertion": pod.assertion(identifiers.SERVICE_ACCOUNT, audience=audience),
        "scope": "https://vault.azure.net/.default",
    }
    url = f"/identity-binding/{contoso.TENANT.id}/oauth2/v2.0/token"
    return client.post(url, base_url="http://localhost", data=form), emulators.journal.requests()[-1]


@pytest.mark.parametrize(("audience", "status"), [(AUDIENCE, 200), ("api://elsewhere", 401)])
def test_a_fault_with_what_the_journal_shows_happens(
    emulators: Emulators, client: Client, audience: str, status: int
) -> None:
    """It shows the identity, the resource and the provider, whether or not the proxy lets the pod have a token."""
    response, entry = ask(emulators, client, audience)
    assert response.status_code == status
    assert (entry.emulator, entry.provider) == ("identity-binding", "workload-identity")
    assert entry.resource == "https://vault.azure.net"
    assert entry.identity
    emulators.faults_of("identity-binding").add(Status(503), **{name: getattr(entry, name) for name in CRITERIA})
    response, stopped = ask(emulators, client, audience)
    assert (response.status_code, stopped.fault) == (503, "Status")
