"""The project's tests with unittest, as `python manage.py test` runs them."""

from contextlib import ExitStack

from django.test import SimpleTestCase

from pytest_azcred import environment


class GreetingTests(SimpleTestCase):
    def setUp(self):
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.azcred = stack.enter_context(environment("app-service"))
        self.vault = self.azcred.resource("https://shop.vault.azure.net")
        self.vault.answer("GET", "/secrets/greeting", json={"value": "Hello", "id": f"{self.vault.url}/secrets/a/1"})

    def test_the_page_greets(self):
        self.assertEqual(self.client.get("/").content, b"Hello")
        self.azcred.journal.assert_tokens(host="app-service", times=1)

    def test_nothing_is_kept_between_tests(self):
        self.assertEqual(self.azcred.journal.requests(), [])

    def test_a_developer_sees_it_too(self):
        with environment("developer-service-principal"):
            self.client.get("/")
        self.azcred.journal.assert_tokens(provider="environment", times=1)
