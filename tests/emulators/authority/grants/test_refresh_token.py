"""The refresh token grant: rotation, inactivity, revocation, and other resources with the same token."""

from datetime import timedelta
from typing import Any

import pytest
from support.entra import GRAPH, VAULT, Entra, claims_of, refusal

from azcred_emulators.directory import ADMIN_CONSENT, ConditionalAccessPolicy, Mfa, contoso


def test_a_refresh_token_is_exchanged_for_a_new_one(entra: Entra) -> None:
    """The old one is spent: Entra ID tells clients to delete it, and the emulator notices those that do not."""
    shop = entra.add_web_app()
    first = entra.sign_in(shop)["refresh_token"]
    response = entra.refresh(shop, first)
    second = response.get_json()["refresh_token"]
    assert second != first
    assert claims_of(response)["oid"] == entra.user.object_id
    refused = entra.refresh(shop, first)
    assert refusal(refused) == (400, "invalid_grant", 70000)
    assert refused.get_json()["suberror"] == "bad_token"
    assert first not in refused.text
    assert entra.refresh(shop, second).status_code == 200


def test_an_application_may_reuse_its_refresh_tokens(entra: Entra) -> None:
    """As Entra ID lets every application."""
    shop = entra.add_web_app(reusable_refresh_tokens=True)
    token = entra.sign_in(shop)["refresh_token"]
    assert entra.refresh(shop, token).status_code == 200
    assert entra.refresh(shop, token).status_code == 200


def test_one_refresh_token_serves_every_resource(entra: Entra) -> None:
    """Whatever was consented to, and fewer or more scopes than at first."""
    shop = entra.add_web_app()
    entra.add_api()
    token = entra.sign_in(shop)["refresh_token"]
    for scope, audience, granted in (
        (f"{VAULT}/.default", VAULT, "user_impersonation"),
        ("api://orders/Orders.Read", "api://orders", "Orders.Read"),
        (f"{GRAPH}/User.Read", GRAPH, "User.Read"),
        ("api://orders/.default", "api://orders", "Orders.Read Orders.Write"),
    ):
        response = entra.refresh(shop, token, scope=scope)
        claims = claims_of(response)
        assert (claims["aud"], claims["scp"]) == (audience, granted)
        token = response.get_json()["refresh_token"]


def test_without_a_scope_it_is_the_one_asked_for_last(entra: Entra) -> None:
    """The parameter is optional."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop, scope=f"{VAULT}/.default offline_access")["refresh_token"]
    assert claims_of(entra.refresh(shop, token, scope=None))["aud"] == VAULT


def test_offline_access_must_be_asked_for(entra: Entra) -> None:
    """Without that scope there is no refresh token, without openid no id token."""
    shop = entra.add_web_app()
    body = entra.sign_in(shop, scope=f"{VAULT}/.default")
    assert "refresh_token" not in body
    assert "id_token" not in body


def test_ninety_days_without_use_end_it(entra: Entra) -> None:
    """Each use starts them anew."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    for _ in range(2):
        entra.emulators.clock.advance(days=89)
        token = entra.refresh(shop, token).get_json()["refresh_token"]
    entra.emulators.clock.advance(days=90)
    refused = entra.refresh(shop, token)
    assert refusal(refused) == (400, "invalid_grant", 700082)
    assert refused.get_json()["suberror"] == "bad_token"


def test_revoking_a_users_sessions_ends_those_of_before(entra: Entra) -> None:
    """A new sign-in gets a token that is good again."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    entra.emulators.clock.advance(minutes=1)
    entra.emulators.directory.replace(entra.user, tokens_valid_from=entra.emulators.clock.now())
    refused = entra.refresh(shop, token)
    assert refusal(refused) == (400, "invalid_grant", 50173)
    assert refused.get_json()["suberror"] == "bad_token"
    assert entra.refresh(shop, entra.sign_in(shop)["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"), [({"enabled": False}, 50057), ({"locked": True}, 50053), ({"mfa": Mfa.ENFORCED}, 50076)]
)
def test_the_users_state_counts_at_each_use(entra: Entra, change: dict[str, Any], code: int) -> None:
    """A refusal does not cost the token: when the state is mended, it works again."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    user = entra.emulators.directory.replace(entra.user, **change)
    assert refusal(entra.refresh(shop, token)) == (400, "invalid_grant", code)
    entra.emulators.directory.replace(user, enabled=True, locked=False, mfa=Mfa.DISABLED)
    assert entra.refresh(shop, token).status_code == 200


def test_a_user_who_is_gone_has_no_tokens(entra: Entra) -> None:
    """Deleted from the directory."""
    shop = entra.add_web_app()
    ada = entra.add_user()
    token = entra.sign_in(shop, ada)["refresh_token"]
    entra.emulators.directory.remove(ada)
    assert refusal(entra.refresh(shop, token))[2] == 50034


def test_a_sign_in_frequency_demands_the_user_again(entra: Entra) -> None:
    """The refresh token is younger than that; the sign-in is not."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    entra.emulators.directory.add(
        ConditionalAccessPolicy(name="hourly", tenant_id=contoso.TENANT.id, sign_in_frequency=timedelta(hours=1))
    )
    entra.emulators.clock.advance(minutes=59)
    token = entra.refresh(shop, token).get_json()["refresh_token"]
    entra.emulators.clock.advance(minutes=1)
    refused = entra.refresh(shop, token)
    assert refusal(refused) == (400, "invalid_grant", 70043)
    assert refused.get_json()["suberror"] == "bad_token"


def test_a_refresh_token_is_its_clients(entra: Entra) -> None:
    """Another's is refused, and so is a confidential client that does not prove itself."""
    shop, other = entra.add_web_app(), entra.add_web_app("other")
    token = entra.sign_in(shop)["refresh_token"]
    assert refusal(entra.refresh(other, token)) == (400, "invalid_grant", 70000)
    assert refusal(entra.refresh(shop, token, client_secret=None)) == (401, "invalid_client", 7000218)
    assert refusal(entra.refresh(shop, "1.Aunknown")) == (400, "invalid_grant", 70000)
    assert refusal(entra.refresh(shop, token, headers={"Origin": "https://x.example"}))[2] == 9002326
    assert entra.refresh(shop, token).status_code == 200


def test_microsofts_tools_share_theirs(entra: Entra) -> None:
    """One of the family redeems another's; a stranger is told that it does not belong."""
    token = entra.password(entra.user).get_json()["refresh_token"]
    powershell = entra.emulators.directory.principal(contoso.DEVELOPER_TOOLS["Microsoft Azure PowerShell"])
    stranger = entra.add_web_app("stranger", public_client=True, permission_grants=(ADMIN_CONSENT,))
    assert powershell is not None
    form: dict[str, str | None] = {"grant_type": "refresh_token", "refresh_token": token, "scope": f"{VAULT}/.default"}
    assert claims_of(entra.post(form | {"client_id": powershell.client_id}))["appid"] == powershell.client_id
    refused = entra.post(form | {"client_id": stranger.client_id})
    assert refusal(refused) == (400, "invalid_grant", 70000)
    assert refused.get_json()["suberror"] == "client_mismatch"


def test_reset_forgets_every_token(entra: Entra) -> None:
    """Nothing that a test was given is good in the next."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    entra.emulators.authority.reset()
    assert refusal(entra.refresh(shop, token))[2] == 70000
