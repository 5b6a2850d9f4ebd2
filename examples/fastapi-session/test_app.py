"""The app is started once for the whole run, as slow apps are; each test has its own journal, vault and clock."""

import pytest
from app import app
from fastapi.testclient import TestClient


@pytest.fixture(scope="session")
def client(azcred_session):
    azcred_session.environment("container-apps")
    with TestClient(app) as client:
        yield client


def say(azcred, word):
    vault = azcred.resource("https://shop.vault.azure.net")
    vault.answer("GET", "/secrets/word", json={"value": word, "id": f"{vault.url}/secrets/word/1"})


@pytest.mark.parametrize("word", ["river", "mountain"])
def test_the_word_is_shown(azcred, client, word):
    say(azcred, word)
    assert client.get("/word").json() == word


def test_tomorrow_the_token_is_renewed(azcred, client):
    """The clock goes back when the test ends, and the new token stays good for the others."""
    say(azcred, "tomorrow")
    azcred.clock.advance(hours=25)
    assert client.get("/word").json() == "tomorrow"
    azcred.journal.assert_tokens(provider="managed-identity", times=1)


def test_the_app_is_where_the_session_is(azcred_session, azcred, client):
    """The journal of the session has the requests of all its tests."""
    say(azcred, "here")
    client.get("/word")
    azcred_session.journal.assert_providers("managed-identity")
