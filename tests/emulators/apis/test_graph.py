"""Microsoft Graph as far as sign-in libraries ask it."""

import json
import uuid
from typing import Any

import pytest
from support.entra import GRAPH, Entra, claims_of
from werkzeug.test import TestResponse

from azcred_emulators.directory import identifiers


def get(entra: Entra, path: str, token: str, **options: Any) -> TestResponse:
    """Ask Graph with a token."""
    return entra.client.open(path, base_url=GRAPH, headers={"Authorization": f"Bearer {token}"}, **options)


def test_userinfo_says_what_the_id_token_says(entra: Entra) -> None:
    """The same subject, and of the rest what the scopes allow."""
    shop = entra.add_web_app()
    body = entra.sign_in(shop)
    info = get(entra, "/oidc/userinfo", body["access_token"]).get_json()
    assert info["sub"] == claims_of(body["id_token"])["sub"]
    assert (info["name"], info["email"]) == (entra.user.name, entra.user.mail)
    narrow = entra.sign_in(shop, scope="openid")["access_token"]
    assert set(get(entra, "/oidc/userinfo", narrow).get_json()) == {"sub"}


def test_me_is_who_signed_in(entra: Entra) -> None:
    """The default properties of a user."""
    token = entra.sign_in(entra.add_web_app())["access_token"]
    me = get(entra, "/v1.0/me", token).get_json()
    assert (me["id"], me["userPrincipalName"]) == (identifiers.USER_ID, identifiers.USER_PRINCIPAL_NAME)
    assert me["displayName"] == "Dana Developer"


def test_the_groups_that_a_token_only_points_at_are_here(entra: Entra) -> None:
    """What an app asks after an overage claim."""
    groups = tuple(str(uuid.uuid4()) for _ in range(250))
    ada = entra.add_user(member_of=groups)
    token = entra.sign_in(entra.add_web_app(), ada)["access_token"]
    for path in ("/v1.0/me/getMemberObjects", f"/v1.0/users/{ada.object_id}/getMemberObjects"):
        answer = get(entra, path, token, method="POST", json={"securityEnabledOnly": False})
        assert answer.get_json()["value"] == list(groups)
    other = get(entra, f"/v1.0/users/{entra.user.object_id}/getMemberObjects", token, method="POST", json={})
    assert other.status_code == 404


@pytest.mark.parametrize("defect", ["expired", "wrong-audience", "wrong-tenant", "wrong-key", "algorithm-none"])
def test_a_defective_token_is_refused(entra: Entra, defect: str) -> None:
    """With Graph's error, which names no token."""
    token = entra.emulators.tokens.forge(defect, {"aud": GRAPH, "scp": "User.Read", "oid": identifiers.USER_ID})
    response = get(entra, "/v1.0/me", token)
    assert response.status_code == 401
    assert response.get_json()["error"]["code"] == "InvalidAuthenticationToken"
    assert token not in response.text


def test_other_requests_are_refused_as_graph_does(entra: Entra) -> None:
    """No token, no user, no permission, no such address."""
    assert entra.client.get("/v1.0/me", base_url=GRAPH).status_code == 401
    app = entra.emulators.tokens.mint({"aud": GRAPH, "oid": identifiers.USER_ID}).value
    assert get(entra, "/v1.0/me", app).status_code == 400
    narrow = entra.sign_in(entra.add_web_app(), scope="openid profile")["access_token"]
    assert get(entra, "/v1.0/me", narrow).status_code == 403
    assert get(entra, "/v1.0/drives", narrow).status_code == 404
    assert get(entra, "/v1.0/me", narrow, method="DELETE").status_code == 405


def test_a_revoked_token_is_challenged_if_the_client_understands(entra: Entra) -> None:
    """Only a client with CP1: the others keep their tokens until these expire."""
    capable = json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})
    old = [entra.password(entra.user, claims=claims).get_json()["access_token"] for claims in (capable, None)]
    entra.emulators.directory.replace(entra.user, tokens_valid_from=entra.emulators.clock.now())
    challenged, kept = (get(entra, "/v1.0/me", token) for token in old)
    assert challenged.status_code == 401
    assert 'error="insufficient_claims", claims="' in challenged.headers["WWW-Authenticate"]
    assert kept.status_code == 200
    new = entra.password(entra.user, claims=capable).get_json()["access_token"]
    assert get(entra, "/v1.0/me", new).status_code == 200
