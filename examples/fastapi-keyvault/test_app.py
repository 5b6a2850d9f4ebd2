"""The app with a vault at its real address, which checks the tokens it gets."""

import pytest
from app import app
from fastapi.testclient import TestClient


@pytest.fixture
def vault(azcred):
    vault = azcred.resource("https://shop.vault.azure.net")
    secret = {"value": "hunter2", "id": f"{vault.url}/secrets/database-password/1"}
    vault.answer("GET", "/secrets/database-password", json=secret)
    return vault


@pytest.mark.azcred("kubernetes", "container-apps", "functions")
def test_the_password_is_found(azcred, vault):
    """One token serves the requests of all users."""
    with TestClient(app) as client:
        for _ in range(3):
            assert client.get("/health").json() == {"password-version": "1", "length": 7}
    azcred.journal.assert_tokens(resource="https://vault.azure.net", times=1)


def test_the_token_is_renewed(azcred, fake_kubernetes, vault):
    """An app that runs for days gets a new token in time."""
    with TestClient(app) as client:
        client.get("/health")
        azcred.clock.advance(hours=25)
        assert client.get("/health").status_code == 200
    azcred.journal.assert_tokens(provider="workload-identity", times=2)


def test_revoked_tokens_are_replaced(azcred, fake_kubernetes, vault):
    """When the vault revokes what was issued so far, the client answers its challenge with a new token."""
    with TestClient(app) as client:
        client.get("/health")
        vault.revoke()
        assert client.get("/health").status_code == 200
