"""Tokens straight from `/authorize`: the hybrid and the implicit flows."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.entra import GRAPH, REDIRECT, Entra, claims_of, code_of
from support.pages import sign_in, start, submit

NONCE = "n-0S6_WzA2Mj"
EVERYTHING: dict[str, Any] = {"id_token_issuance": True, "access_token_issuance": True}


def half_hash(text: str) -> str:
    """Return how an id token names what comes with it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def test_code_and_id_token(entra: Entra) -> None:
    """The hybrid flow of web apps: the id token says which code it came with, and the code is good."""
    shop = entra.add_web_app(id_token_issuance=True)
    answer = entra.authorize(shop, response_type="code id_token", response_mode="form_post", nonce=NONCE)
    claims = claims_of(answer["id_token"])
    assert (claims["aud"], claims["nonce"], claims["oid"]) == (shop.client_id, NONCE, entra.user.object_id)
    assert claims["c_hash"] == half_hash(answer["code"])
    assert "at_hash" not in claims
    redeemed = entra.redeem(shop, answer["code"]).get_json()
    assert claims_of(redeemed["id_token"])["nonce"] == NONCE
    assert answer["state"] == "s"


def test_id_token_and_access_token(entra: Entra) -> None:
    """The implicit flow of older single-page apps: a token for the browser, and no code or refresh token."""
    shop = entra.add_web_app(**EVERYTHING)
    answer = entra.authorize(shop, response_type="id_token token", nonce=NONCE)
    assert set(answer) == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "id_token",
        "session_state",
        "state",
    }
    token = claims_of(answer["access_token"])
    assert (token["aud"], token["appidacr"], token["appid"]) == (GRAPH, "0", shop.client_id)
    assert token["scp"].split()[0] == "User.Read"
    assert (answer["token_type"], answer["expires_in"]) in [("Bearer", "3600"), ("Bearer", "3599")]
    assert f"{GRAPH}/User.Read" in answer["scope"]
    assert claims_of(answer["id_token"])["at_hash"] == half_hash(answer["access_token"])


@pytest.mark.parametrize(
    ("settings", "parameters", "error", "code"),
    [
        ({}, {"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({}, {"response_type": "code id_token"}, "unsupported_response_type", 700054),
        ({"id_token_issuance": True}, {"response_type": "id_token token"}, "unsupported_response_type", 700051),
        (EVERYTHING, {"response_type": "token code"}, "unsupported_response_type", 70005),
        (EVERYTHING, {"response_type": "none"}, "unsupported_response_type", 70005),
        (EVERYTHING, {"response_type": "id_token", "scope": f"{GRAPH}/User.Read"}, "unsupported_response_type", 70005),
        (EVERYTHING, {"response_type": "id_token", "nonce": ""}, "invalid_request", 900144),
        (EVERYTHING, {"response_type": "token", "response_mode": "query"}, "invalid_request", 70007),
    ],
)
def test_refusals(entra: Entra, settings: dict[str, Any], parameters: dict[str, Any], error: str, code: int) -> None:
    """What the application does not let it give, what it needs for it, and what may not go there."""
    answer = entra.authorize(entra.add_web_app(**settings), **{"nonce": NONCE, **parameters})
    assert (answer["error"], code_of(answer)) == (error, code)


@pytest.mark.parametrize("mode", [None, "fragment"])
def test_tokens_come_in_the_fragment(entra: Entra, mode: str | None) -> None:
    """Unless the client asks for a form; a token is in no query, not even an error for one."""
    shop = entra.add_web_app(**EVERYTHING)
    page = sign_in(entra, start(entra, shop, response_type="id_token", nonce=NONCE, response_mode=mode))
    back = urlsplit(submit(entra, page, answer="no").location)
    assert (f"{back.scheme}://{back.netloc}{back.path}", back.query) == (REDIRECT, "")
    assert claims_of(dict(parse_qsl(back.fragment))["id_token"])["nonce"] == NONCE
    refused = urlsplit(start(entra, shop, response_type="token", response_mode="query").location)
    assert "error" in dict(parse_qsl(refused.fragment))
    assert refused.query == ""


def test_tokens_in_a_form(entra: Entra) -> None:
    """Which submits itself to the app."""
    shop = entra.add_web_app(**EVERYTHING)
    parameters = {"response_type": "code id_token", "nonce": NONCE, "response_mode": "form_post"}
    page = submit(entra, sign_in(entra, start(entra, shop, **parameters)), answer="no")
    assert f'action="{REDIRECT}"' in page.text
    assert 'name="id_token"' in page.text
    assert 'name="code"' in page.text


def test_the_version_1_endpoint(entra: Entra) -> None:
    """Gives an id token of version 1."""
    shop = entra.add_web_app(**EVERYTHING)
    page = start(
        entra,
        shop,
        "/contoso.com/oauth2/authorize",
        response_type="id_token",
        nonce=NONCE,
        scope=None,
        resource=GRAPH,
    )
    back = urlsplit(submit(entra, sign_in(entra, page), answer="no").location)
    claims = claims_of(dict(parse_qsl(back.fragment))["id_token"])
    assert (claims["ver"], claims["upn"]) == ("1.0", entra.user.principal_name)


def test_tokens_right_after_consent(entra: Entra) -> None:
    """What was consented to on the page is in the access token that comes back from it."""
    app = entra.add_web_app(permission_grants=(), **EVERYTHING)
    types = {"response_type": "id_token token", "response_mode": "fragment", "nonce": "n"}
    page = submit(entra, sign_in(entra, start(entra, app, **types)), answer="no")
    response = submit(entra, page, answer="accept")
    assert response.status_code == 302, response.text
    assert claims_of(dict(parse_qsl(urlsplit(response.location).fragment))["access_token"])["scp"]
