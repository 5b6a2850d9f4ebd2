"""The functions, called as the host calls them; no host and no storage account is needed."""

import azure.functions as func
import pytest
from function_app import app

FUNCTIONS = {function.get_function_name(): function.get_user_function() for function in app.get_functions()}
pytestmark = pytest.mark.azcred("functions")


@pytest.fixture
def vault(azcred):
    vault = azcred.resource("https://shop.vault.azure.net")
    secret = {"value": "30", "id": f"{vault.url}/secrets/discount/1"}
    vault.answer("GET", "/secrets/discount", json=secret)
    vault.answer("PUT", "/secrets/discount", json=secret)
    return vault


def test_the_price_has_the_discount(azcred, vault):
    request = func.HttpRequest(method="GET", url="/api/price/cup", route_params={"article": "cup"}, body=b"")
    assert FUNCTIONS["price"](request).get_body() == b"cup: 70"
    azcred.journal.assert_tokens(provider="managed-identity", times=1)


def test_at_night_the_discount_ends(azcred, vault):
    FUNCTIONS["nightly"](None)
    assert azcred.journal.requests(emulator="resource", method="PUT", status=200)
