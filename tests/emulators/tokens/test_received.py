"""Tokens that somebody has signed who put odd things into them."""

from itertools import product
from typing import Any

import jwt
import pytest
from support.fuzzing import signed

from azcred_emulators.tokens import received
from azcred_emulators.tokens.keys import SigningKey

KEY = SigningKey("somebody")
RIGHT: dict[str, Any] = {"iss": "https://issuer.example", "sub": "subject", "aud": ["one", "two"], "exp": 2.5e9}


def test_right_claims_are_read() -> None:
    """With the header, and whether or not the signature is verified."""
    token = KEY.sign(RIGHT)
    assert received.read(token).claims == received.read(token, KEY.public).claims == RIGHT
    assert received.read(token).header["kid"] == KEY.id


WRONG: list[tuple[str, object]] = [
    *product(["exp"], [10**400, float("nan"), float("inf"), "1", True, None, []]),
    *product(["iss", "tid", "scp", "oid"], [["x"], 1, {}, None, "\ud800"]),
    *product(["aud", "xms_cc", "amr"], [1, {}, [1], [["x"]], None]),
    ("nbf", "0"),
    ("xms_cc", "CP1"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_claim_of_a_wrong_type_is_refused(name: str, value: object) -> None:
    """In one way, so that nobody after it has to think of that."""
    token = signed(KEY, {**RIGHT, name: value})
    for key in (None, KEY.public):
        with pytest.raises(jwt.InvalidTokenError):
            received.read(token, key)


@pytest.mark.parametrize("encoded", ["", "a.b.c", "..", "\N{SNOWMAN}", "e30.W10." + "A" * 20])
def test_what_is_no_token_is_refused(encoded: str) -> None:
    """Likewise."""
    with pytest.raises(jwt.InvalidTokenError):
        received.read(encoded)
