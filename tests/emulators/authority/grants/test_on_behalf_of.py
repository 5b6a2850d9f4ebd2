"""The on-behalf-of grant: an API passes its caller on to the next API."""

from typing import Any

import pytest
from support.entra import GRAPH, OBO_GRANT, SECRET, VAULT, Entra, claims_of, refusal

from azcred_emulators.directory import ADMIN_CONSENT, Application, ConditionalAccessPolicy, Mfa, contoso
from azcred_emulators.tokens.access import AppOnlyAccess


@pytest.fixture
def api(entra: Entra) -> Application:
    """An API that was consented to call others."""
    return entra.add_api(permission_grants=(ADMIN_CONSENT,))


def exchange(entra: Entra, api: Application, token: str, /, **changes: Any) -> Any:
    """Send the exchange as the API does."""
    form = {
        "grant_type": OBO_GRANT,
        "requested_token_use": "on_behalf_of",
        "client_id": api.client_id,
        "client_secret": SECRET,
        "assertion": token,
        "scope": f"{GRAPH}/User.Read",
    }
    return entra.post({**form, **changes})


def token_for(entra: Entra, api: Application, **parameters: Any) -> str:
    """Return the token that a web app's user has for the API."""
    shop = entra.add_web_app()
    token: str = entra.sign_in(shop, scope=f"{api.identifier_uris[0]}/Orders.Read", **parameters)["access_token"]
    return token


def test_the_callers_token_becomes_one_for_the_next_api(entra: Entra, api: Application) -> None:
    """The user stays, the client is now the API; a refresh token comes if it is asked for."""
    response = exchange(entra, api, token_for(entra, api), scope=f"{VAULT}/.default offline_access")
    claims = claims_of(response)
    assert (claims["aud"], claims["oid"], claims["appid"]) == (VAULT, entra.user.object_id, api.client_id)
    assert response.get_json()["refresh_token"]
    assert "refresh_token" not in exchange(entra, api, token_for_minted(entra, api)).get_json()


def token_for_minted(entra: Entra, api: Application, **changes: object) -> str:
    """Mint the caller's token directly."""
    claims = {"aud": api.identifier_uris[0], "scp": "Orders.Read", "oid": entra.user.object_id, **changes}
    return entra.emulators.tokens.mint(claims).value


@pytest.mark.parametrize("version", [1, 2])
def test_the_second_factor_is_passed_on(entra: Entra, api: Application, version: int) -> None:
    """A policy on the next API looks at how the user signed in to the first, whatever its tokens' version."""
    entra.emulators.directory.replace(api, access_token_version=version)
    entra.emulators.directory.add(
        ConditionalAccessPolicy(
            name="mfa", tenant_id=contoso.TENANT.id, include_applications=(VAULT,), built_in_controls=("mfa",)
        )
    )
    strong = token_for(entra, api, mfa=True)
    assert exchange(entra, api, strong, scope=f"{VAULT}/.default").status_code == 200
    weak = entra.sign_in(entra.add_web_app("other"), scope="api://orders/Orders.Read")["access_token"]
    refused = exchange(entra, api, weak, scope=f"{VAULT}/.default")
    assert refusal(refused) == (400, "interaction_required", 50076)
    assert "capolids" in refused.get_json()["claims"]


@pytest.mark.parametrize(
    ("defect", "code"),
    [
        ("expired", 500133),
        ("not-yet-valid", 500133),
        ("no-expiry", 500133),
        ("wrong-audience", 50013),
        ("wrong-issuer", 50013),
        ("wrong-tenant", 50013),
        ("wrong-key", 50013),
        ("unknown-key", 50013),
        ("tampered", 50013),
        ("algorithm-none", 50027),
        ("algorithm-confusion", 50027),
    ],
)
def test_a_defective_assertion_is_refused(entra: Entra, api: Application, defect: str, code: int) -> None:
    """Signature, issuer, audience and time are checked as the API itself should have."""
    forged = entra.emulators.tokens.forge(
        defect, {"aud": "api://orders", "scp": "Orders.Read", "oid": entra.user.object_id}
    )
    assert refusal(exchange(entra, api, forged))[2] == code


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": None}, (401, "invalid_client", 7000218)),
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"assertion": None}, (400, "invalid_request", 900144)),
        ({"assertion": "a.b.c"}, (400, "invalid_request", 50027)),
        ({"requested_token_use": None}, (400, "invalid_request", 900144)),
        ({"scope": None}, (400, "invalid_request", 90014)),
        ({"scope": "api://typo/.default"}, (400, "invalid_resource", 500011)),
    ],
)
def test_a_wrong_exchange_is_refused(
    entra: Entra, api: Application, changes: dict[str, Any], expected: tuple[int, str, int]
) -> None:
    """The API must prove who it is, and send what the grant needs."""
    assert refusal(exchange(entra, api, token_for_minted(entra, api), **changes)) == expected


def test_an_applications_own_token_cannot_be_passed_on(entra: Entra, api: Application) -> None:
    """There is no user on whose behalf it could be."""
    token = entra.emulators.tokens.app_only(AppOnlyAccess(api, "api://orders", target=api)).value
    assert refusal(exchange(entra, api, token)) == (400, "unauthorized_client", 7000114)


def test_consent_and_the_users_state_are_asked_anew(entra: Entra, api: Application) -> None:
    """The API's own consent counts, and what the user is now."""
    assertion = token_for(entra, api)
    entra.emulators.directory.replace(api, permission_grants=())
    refused = exchange(entra, api, assertion)
    assert refusal(refused) == (400, "invalid_grant", 65001)
    assert refused.get_json()["suberror"] == "consent_required"
    entra.emulators.directory.replace(api, permission_grants=(ADMIN_CONSENT,))
    user = entra.emulators.directory.replace(entra.user, mfa=Mfa.ENFORCED)
    assert refusal(exchange(entra, api, assertion))[1] == "interaction_required"
    entra.emulators.directory.replace(user, mfa=Mfa.DISABLED, enabled=False)
    assert refusal(exchange(entra, api, assertion))[2] == 50057
