"""What is in the tokens of users: claims of both versions, roles, groups, optional claims, CAE."""

import base64
import hashlib
import json
import uuid
from typing import Any

from support.entra import GRAPH, SECRET, VAULT, Entra, claims_of, refusal

from azcred_emulators.directory import AppRoleAssignment, Group, OptionalClaims, contoso, identifiers
from azcred_emulators.tokens.issuance import number_of


def test_an_access_token_of_version_1(entra: Entra) -> None:
    """The claims that recorded tokens for Azure's services have."""
    claims = claims_of(entra.password(entra.user, scope=f"{VAULT}/.default"))
    assert set(claims) == {
        *("acct", "acr", "aio", "amr", "app_displayname", "appid", "appidacr", "aud", "exp", "family_name"),
        *("given_name", "iat", "idtyp", "ipaddr", "iss", "name", "nbf", "oid", "puid", "rh", "scp", "sid", "sub"),
        *("tid", "unique_name", "upn", "uti", "ver"),
    }
    assert (claims["acct"], claims["acr"], claims["amr"], claims["appidacr"]) == (0, "1", ["pwd"], "0")
    assert (claims["idtyp"], claims["scp"], claims["ver"]) == ("user", "user_impersonation", "1.0")
    assert claims["upn"] == claims["unique_name"] == entra.user.principal_name
    assert claims["exp"] - claims["iat"] == 3900


def test_an_access_token_of_version_2(entra: Entra) -> None:
    """An API whose manifest says so gets its own id as audience, and no version 1 claims."""
    api = entra.add_api(access_token_version=2)
    claims = claims_of(entra.password(entra.user, scope="api://orders/Orders.Read"))
    assert set(claims) == {
        *("aio", "aud", "azp", "azpacr", "exp", "iat", "iss", "name", "nbf", "oid", "preferred_username", "rh"),
        *("scp", "sid", "sub", "tid", "uti", "ver"),
    }
    assert claims["aud"] == api.client_id
    assert claims["iss"] == f"https://login.microsoftonline.com/{contoso.TENANT.id}/v2.0"
    assert (claims["azp"], claims["azpacr"], claims["ver"]) == (identifiers.AZURE_CLI_CLIENT_ID, "0", "2.0")


def test_an_id_token_of_version_2(entra: Entra) -> None:
    """Who signed in, for the client; the hash binds it to the access token."""
    shop = entra.add_web_app(optional_claims=OptionalClaims(id_token=("login_hint", "auth_time", "upn", "acct")))
    body = entra.sign_in(shop, nonce="n")
    claims = claims_of(body["id_token"])
    digest = hashlib.sha256(body["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (claims["aud"], claims["nonce"], claims["ver"]) == (shop.client_id, "n", "2.0")
    assert claims["preferred_username"] == claims["upn"] == entra.user.principal_name
    assert claims["email"] == entra.user.mail
    assert claims["sid"] == claims_of(body["access_token"])["sid"]
    assert claims["login_hint"].startswith("O.")
    assert claims["acct"] == 0


def test_client_info_says_whose_account_it_is(entra: Entra) -> None:
    """msal makes the account's id of it; it comes only when asked for."""
    body = entra.password(entra.user, client_info="1").get_json()
    info = json.loads(base64.urlsafe_b64decode(body["client_info"] + "=="))
    assert info == {"uid": identifiers.USER_ID, "utid": contoso.TENANT.id}
    assert "client_info" not in entra.password(entra.user).get_json()


def test_a_subject_is_pairwise(entra: Entra) -> None:
    """Two applications cannot tell by `sub` that they see the same user; one always can."""
    shop, other = entra.add_web_app(), entra.add_web_app("other")
    of_shop = [claims_of(entra.sign_in(shop)["id_token"])["sub"] for _ in range(2)]
    of_other = claims_of(entra.sign_in(other)["id_token"])["sub"]
    assert of_shop[0] == of_shop[1] != of_other
    assert entra.user.object_id not in (*of_shop, of_other)


def test_roles_are_those_of_the_audience(entra: Entra) -> None:
    """Assigned to the user or to a group of theirs; an id token has those of the client."""
    directory = entra.emulators.directory
    entra.add_api(app_roles=("Orders.Admin", "Orders.Clerk"))
    shop = entra.add_web_app(identifier_uris=("api://shop",))
    clerks = directory.add(
        Group(
            name="clerks",
            tenant_id=contoso.TENANT.id,
            app_role_assignments=(AppRoleAssignment("api://orders", "Orders.Clerk"),),
        )
    )
    ada = entra.add_user(
        member_of=(clerks.object_id,),
        app_role_assignments=(
            AppRoleAssignment("api://orders/", "Orders.Admin"),
            AppRoleAssignment("api://shop", "Owner"),
        ),
    )
    body = entra.sign_in(shop, ada, scope="openid api://orders/Orders.Read")
    assert claims_of(body["access_token"])["roles"] == ["Orders.Admin", "Orders.Clerk"]
    assert claims_of(body["id_token"])["roles"] == ["Owner"]
    assert "roles" not in claims_of(entra.sign_in(shop)["access_token"])


def test_an_assignment_may_be_required(entra: Entra) -> None:
    """Whoever is assigned, by a role or without, gets in."""
    entra.add_api(app_role_assignment_required=True)
    refused = entra.password(entra.user, scope="api://orders/Orders.Read")
    assert refusal(refused) == (400, "invalid_grant", 50105)
    ada = entra.add_user(app_role_assignments=(AppRoleAssignment("api://orders"),))
    claims = claims_of(entra.password(ada, scope="api://orders/Orders.Read"))
    assert "roles" not in claims


def test_an_applications_roles_are_in_its_own_token(entra: Entra) -> None:
    """Application permissions: only those of the audience."""
    entra.add_api()
    job = entra.add_web_app(
        "job",
        app_role_assignments=(AppRoleAssignment("api://orders", "Orders.Admin"), AppRoleAssignment(VAULT, "x")),
    )
    form: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": job.client_id,
        "client_secret": SECRET,
    }
    assert claims_of(entra.post(form | {"scope": "api://orders/.default"}))["roles"] == ["Orders.Admin"]
    assert "roles" not in claims_of(entra.post(form | {"scope": f"{GRAPH}/.default"}))


def groups_of(entra: Entra, count: int) -> dict[str, Any]:
    """Return the claims of a user in so many groups, in a token for an API that asks for them."""
    ada = entra.add_user(member_of=tuple(str(uuid.uuid4()) for _ in range(count)), directory_roles=("role-id",))
    return claims_of(entra.password(ada, scope="api://orders/Orders.Read"))


def test_groups_are_there_if_the_api_wants_them(entra: Entra) -> None:
    """Up to 200; roles of the directory beside them."""
    entra.add_api(group_membership_claims="All")
    claims = groups_of(entra, 200)
    assert len(claims["groups"]) == 200
    assert claims["wids"] == ["role-id"]
    assert "_claim_names" not in claims


def test_too_many_groups_are_only_pointed_at(entra: Entra) -> None:
    """The overage claim says where to ask."""
    entra.add_api(group_membership_claims="SecurityGroup")
    claims = groups_of(entra, 201)
    assert "groups" not in claims
    assert "wids" not in claims
    assert claims["_claim_names"] == {"groups": "src1"}
    assert claims["_claim_sources"]["src1"]["endpoint"].endswith(f"/users/{claims['oid']}/getMemberObjects")


def test_optional_claims_are_the_apis_choice(entra: Entra) -> None:
    """Those that there is something to say about; the rest are left out."""
    entra.add_api(
        access_token_version=2,
        optional_claims=OptionalClaims(access_token=("upn", "idtyp", "given_name", "email", "nonsense")),
    )
    claims = claims_of(entra.password(entra.user, scope="api://orders/Orders.Read"))
    assert (claims["upn"], claims["idtyp"], claims["given_name"]) == (entra.user.principal_name, "user", "Dana")
    assert "nonsense" not in claims


def test_a_capable_client_gets_a_long_lived_token(entra: Entra) -> None:
    """86399 seconds and the claim `xms_cc`, with the hint to renew it halfway; users and applications alike."""
    for value in ("CP1", "cp1"):
        capable = json.dumps({"access_token": {"xms_cc": {"values": [value]}}})
        response = entra.password(entra.user, claims=capable)
        body, claims = response.get_json(), claims_of(response)
        assert body["expires_in"] in (86398, 86399)
        assert body["refresh_in"] == body["expires_in"] // 2
        assert body["ext_expires_in"] == body["expires_in"]
        assert claims["xms_cc"] == ["CP1"]
    plain = entra.password(entra.user, claims=json.dumps({"access_token": {"xms_cc": {"values": ["other"]}}}))
    assert "xms_cc" not in claims_of(plain)
    assert "refresh_in" not in plain.get_json()


def test_a_claims_challenge_is_satisfied_by_a_newer_token(entra: Entra) -> None:
    """What a resource demands of `nbf` the next token has."""
    since = int(entra.emulators.clock.now()) - 10
    challenge = {"access_token": {"nbf": {"essential": True, "value": str(since)}, "xms_cc": {"values": ["CP1"]}}}
    before = claims_of(entra.password(entra.user))
    after = claims_of(entra.password(entra.user, claims=json.dumps(challenge)))
    assert before["nbf"] < since <= after["nbf"]
    assert number_of(before) < number_of(after)


def test_claims_that_cannot_be_read_are_refused(entra: Entra) -> None:
    """Whatever a client sends is refused, not tripped over."""
    odd = ("x", "nan", "inf", "-1e309")
    malformed = ("{", "[]", '"x"', '{"access_token": 1}', '{"access_token":{"xms_cc":{"values":5}}}', "[" * 20_000)
    for text in (*malformed, *(f'{{"access_token":{{"nbf":{{"value":"{value}"}}}}}}' for value in odd)):
        assert refusal(entra.password(entra.user, claims=text)) == (400, "invalid_request", 9002313)
