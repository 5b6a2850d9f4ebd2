"""The authorization code grant: a code is good once, for its client, address, tenant and verifier."""

import base64
import hashlib
from typing import Any

import pytest
from support.entra import CHALLENGE, GRAPH, REDIRECT, VAULT, VERIFIER, Entra, claims_of, code_of, refusal

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import Mfa, PermissionGrant, Tenant, contoso, identifiers


def test_a_code_gets_the_tokens_of_who_signed_in(entra: Entra) -> None:
    """`state` and `nonce` come back, and the id token's hash is of the access token beside it."""
    shop = entra.add_web_app()
    back = entra.authorize(shop, nonce="n-0S6")
    assert back["state"] == "s"
    body = entra.redeem(shop, back["code"], client_info="1").get_json()
    access, identity = claims_of(body["access_token"]), claims_of(body["id_token"])
    assert (identity["nonce"], identity["aud"], identity["ver"]) == ("n-0S6", shop.client_id, "2.0")
    assert identity["at_hash"]
    assert access["scp"] == "User.Read openid profile email"
    assert access["appidacr"] == "1"
    assert body["refresh_token"]
    assert "foci" not in body


def test_a_code_is_good_once(entra: Entra) -> None:
    """The second redemption says so."""
    shop = entra.add_web_app()
    code = entra.authorize(shop)["code"]
    assert entra.redeem(shop, code).status_code == 200
    assert refusal(entra.redeem(shop, code)) == (400, "invalid_grant", 54005)


def test_a_code_expires(entra: Entra) -> None:
    """Ten minutes are enough for a browser's redirect."""
    shop = entra.add_web_app()
    code = entra.authorize(shop)["code"]
    entra.emulators.clock.advance(minutes=10)
    assert refusal(entra.redeem(shop, code)) == (400, "invalid_grant", 70008)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"code": "1.Aunknown"}, (400, "invalid_grant", 70000)),
        ({"code": None}, (400, "invalid_request", 900144)),
        ({"redirect_uri": f"{REDIRECT}/"}, (401, "invalid_client", 500112)),
        ({"redirect_uri": None}, (400, "invalid_request", 900144)),
        ({"client_id": identifiers.AZURE_CLI_CLIENT_ID, "client_secret": None}, (400, "invalid_grant", 70000)),
        ({"client_secret": None}, (401, "invalid_client", 7000218)),
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"code_verifier": VERIFIER}, (400, "invalid_grant", 501481)),
        ({"tenant": "organizations"}, (400, "invalid_request", 50194)),
        ({"headers": {"Origin": "https://shop.contoso.com"}}, (400, "invalid_request", 9002326)),
    ],
)
def test_a_code_is_bound_to_all_that_it_was_asked_with(
    entra: Entra, change: dict[str, Any], expected: tuple[int, str, int]
) -> None:
    """One wrong thing is refused, and the code stays good for the right ones."""
    shop = entra.add_web_app()
    code = entra.authorize(shop)["code"]
    assert refusal(entra.redeem(shop, **{"code": code, **change})) == expected
    assert entra.redeem(shop, code).status_code == 200


def test_a_code_is_bound_to_its_tenant(entra: Entra) -> None:
    """One asked for at /organizations is redeemed there, and at no other tenant."""
    fabrikam = entra.emulators.directory.add(Tenant("88888888-8888-4888-8888-888888888888", ("fabrikam.com",)))
    shop = entra.add_web_app(multi_tenant=True)
    code = entra.authorize(shop, tenant="organizations")["code"]
    assert refusal(entra.redeem(shop, code, tenant=fabrikam.id)) == (400, "invalid_grant", 700005)
    assert refusal(entra.redeem(shop, code)) == (400, "invalid_grant", 700005)
    assert claims_of(entra.redeem(shop, code, tenant="organizations"))["tid"] == contoso.TENANT.id


@pytest.mark.parametrize(
    ("challenge", "verifier", "accepted"),
    [
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, VERIFIER, True),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, VERIFIER[1:], False),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, CHALLENGE, False),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, None, False),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, VERIFIER, True),
        ({"code_challenge": VERIFIER}, VERIFIER, True),
        ({"code_challenge": VERIFIER}, "other", False),
    ],
)
def test_pkce(entra: Entra, challenge: dict[str, Any], verifier: str | None, accepted: bool) -> None:
    """S256 and plain; a wrong or missing verifier is no match."""
    shop = entra.add_web_app()
    response = entra.redeem(shop, entra.authorize(shop, **challenge)["code"], code_verifier=verifier)
    if accepted:
        assert response.status_code == 200
    else:
        assert refusal(response) == (400, "invalid_grant", 501481)


def test_a_desktop_app_needs_no_secret_and_any_port(entra: Entra) -> None:
    """A public client listens on a free port of loopback, of which only the port may differ."""
    code = entra.authorize(entra.cli, redirect_uri="http://localhost:49152")["code"]
    response = entra.redeem(entra.cli, code, redirect_uri="http://localhost:49152", client_secret=None)
    assert claims_of(response)["appidacr"] == "0"
    with pytest.raises(EntraError) as refused:
        entra.authorize(entra.cli, redirect_uri="http://localhost:49152/elsewhere")
    assert refused.value.code == 50011


def test_a_single_page_app_redeems_from_its_origin(entra: Entra) -> None:
    """It must use PKCE, from a browser; its refresh token lives a day, however often it is used."""
    spa = entra.add_web_app("spa", secrets=(), redirect_uris=(), spa_redirect_uris=(REDIRECT,))
    origin = {"Origin": "https://shop.contoso.com"}
    assert entra.authorize(spa)["error"] == "invalid_request"
    challenge: dict[str, Any] = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = entra.authorize(spa, **challenge)["code"]
    changes: dict[str, Any] = {"client_secret": None, "code_verifier": VERIFIER}
    assert refusal(entra.redeem(spa, code, **changes)) == (400, "invalid_request", 9002327)
    response = entra.redeem(spa, code, headers=origin, **changes)
    assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    token = response.get_json()["refresh_token"]
    assert refusal(entra.refresh(spa, token, client_secret=None))[2] == 9002327
    entra.emulators.clock.advance(hours=23)
    token = entra.refresh(spa, token, client_secret=None, headers=origin).get_json()["refresh_token"]
    entra.emulators.clock.advance(hours=1)
    refused = entra.refresh(spa, token, client_secret=None, headers=origin)
    assert refusal(refused) == (400, "invalid_grant", 700084)


@pytest.mark.parametrize(
    ("address", "registered"),
    [
        ("https://evil.example/auth", (REDIRECT,)),
        (f"{REDIRECT}/more", (REDIRECT,)),
        (f"{REDIRECT}?x=1", (REDIRECT,)),
        ("https://shop.contoso.com@evil.example/auth", (REDIRECT,)),
        ("http://localhost@evil.example", ("http://localhost",)),
        ("http://localhost.evil.example", ("http://localhost",)),
        ("http://localhost:80\\@evil.example", ("http://localhost",)),
        ("http://local\nhost", ("http://localhost",)),
        ("https://localhost", ("http://localhost",)),
        ("javascript:alert(1)", ("http://localhost",)),
        ("http://[half", ("http://localhost",)),
        ("", ()),
    ],
)
def test_a_browser_is_sent_to_registered_addresses_only(
    entra: Entra, address: str, registered: tuple[str, ...]
) -> None:
    """Anything else is an error that a page must show itself."""
    shop = entra.add_web_app(redirect_uris=registered)
    with pytest.raises(EntraError) as refused:
        entra.authorize(shop, redirect_uri=address)
    assert refused.value.code == 50011


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "pigeon"}, "invalid_request"),
        ({"code_challenge": "x", "code_challenge_method": "S512"}, "invalid_request"),
        ({"prompt": "nicely"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": f"{GRAPH}/User.Read {VAULT}/.default"}, "invalid_request"),
        ({"scope": "api://typo/.default"}, "invalid_resource"),
        ({"claims": "{"}, "invalid_request"),
    ],
)
def test_what_else_is_wrong_the_client_is_told(entra: Entra, parameters: dict[str, Any], error: str) -> None:
    """The client and its address being right, the browser brings the error back with the state."""
    back = entra.authorize(entra.add_web_app(), **parameters)
    assert (back["error"], back["state"]) == (error, "s")
    assert back["error_description"].startswith("AADSTS")


def test_a_sign_in_that_is_not_enough_says_what_is_missing(entra: Entra) -> None:
    """A second factor, consent, or an assignment to the application."""
    careful = entra.add_user("careful", mfa=Mfa.ENFORCED)
    shop = entra.add_web_app(permission_grants=(PermissionGrant(GRAPH, ("User.Read",)),))
    assert "AADSTS50074" in entra.authorize(shop, careful)["error_description"]
    assert claims_of(entra.sign_in(shop, careful, mfa=True)["access_token"])["amr"] == ["pwd", "mfa"]
    assert "AADSTS65001" in entra.authorize(shop, scope=f"{GRAPH}/Mail.Read")["error_description"]
    closed = entra.add_web_app("closed", app_role_assignment_required=True)
    assert "AADSTS50105" in entra.authorize(closed)["error_description"]


def test_the_address_carries_the_answer_as_the_client_wants_it(entra: Entra) -> None:
    """Query or fragment; a form is for a page to post."""
    shop = entra.add_web_app()
    for mode, mark in (("query", "?"), ("fragment", "#")):
        url = f"https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize?client_id={shop.client_id}"
        url += f"&response_type=code&scope=openid&response_mode={mode}"
        redirect = entra.emulators.authority.authorize(url, entra.user)
        assert redirect.url.startswith(f"{REDIRECT}{mark}code=1.A")
        assert redirect.parameters["code"] not in repr(redirect)


@pytest.mark.parametrize("verifier", ["v" * 42, "v" * 129, "v" * 42 + "+", "v" * 42 + "\xe9"])
@pytest.mark.parametrize("method", ["plain", "S256"])
def test_what_is_no_verifier_is_refused(entra: Entra, verifier: str, method: str) -> None:
    """Although it matches the challenge (RFC 7636, section 4.1)."""
    app = entra.add_web_app()
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    challenge = digest if method == "S256" else verifier
    code = entra.authorize(app, code_challenge=challenge, code_challenge_method=method)["code"]
    assert code_of(entra.redeem(app, code, code_verifier=verifier)) == 501481
