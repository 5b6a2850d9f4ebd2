"""The API with tokens as Entra ID makes them: sound, for others, too old, and forged."""

import pytest
from api import AUDIENCE, create_app

from azcred_emulators.tokens import DEFECTS

CLAIMS = {"aud": AUDIENCE, "roles": ["Orders.Read"]}


@pytest.fixture
def get(azcred):
    """Ask for the orders with a token, or with none; return the status."""
    client = create_app().test_client()

    def get(token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.get("/orders", headers=headers).status_code

    return get


def test_whoever_has_the_role_sees_the_orders(azcred, get):
    assert get(azcred.tokens.mint(CLAIMS).value) == 200


def test_another_role_is_not_enough(azcred, get):
    assert get(azcred.tokens.mint({**CLAIMS, "roles": ["Orders.Write"]}).value) == 403


def test_no_token(get):
    assert get() == 401


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_token_with_a_defect(azcred, get, defect):
    assert get(azcred.tokens.forge(defect, CLAIMS)) == 401


def test_a_token_is_good_for_its_time_only(azcred, get):
    token = azcred.tokens.mint(CLAIMS).value
    assert get(token) == 200
    azcred.clock.advance(hours=25)
    assert get(token) == 401
