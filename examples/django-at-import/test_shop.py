"""The project as it is: nothing of it is imported later, or in another way, for the sake of a test."""

from django.test import Client


def test_the_page_greets(azcred):
    vault = azcred.resource("https://shop.vault.azure.net")
    vault.answer("GET", "/secrets/greeting", json={"value": "Hello", "id": f"{vault.url}/secrets/greeting/1"})
    assert Client().get("/").content == b"Hello"
    azcred.journal.assert_tokens(host="app-service", times=1)


def test_a_new_greeting_is_seen(azcred):
    """The credential is that of the test before; what the vault answers, and whose token it takes, is this test's."""
    vault = azcred.resource("https://shop.vault.azure.net")
    vault.answer("GET", "/secrets/greeting", json={"value": "Bonjour", "id": f"{vault.url}/secrets/greeting/2"})
    assert Client().get("/").content == b"Bonjour"
