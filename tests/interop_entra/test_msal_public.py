"""msal's PublicClientApplication, unmodified: device codes, passwords, and its cache across refresh."""

from typing import Any

import msal
import pytest
from support.entra import GRAPH, VAULT, Entra, claims_of

from azcred_emulators.authority.device_codes import DeviceCodes
from azcred_emulators.directory import Mfa, contoso
from pytest_azcred.azcred import Azcred

# msal discourages passwords in public clients; apps that use them are to be tested all the same.
pytestmark = pytest.mark.filterwarnings(
    "ignore:This API has been deprecated for public client flows:DeprecationWarning"
)

SCOPES = [f"{VAULT}/.default"]


@pytest.fixture
def app(entra: Entra) -> Any:
    """The Azure CLI's client, which signs in users of any organization."""
    authority = "https://login.microsoftonline.com/organizations"
    return msal.PublicClientApplication(entra.cli.client_id, authority=authority)


@pytest.fixture
def codes(entra: Entra) -> DeviceCodes:
    """What the page for device codes decides on."""
    return entra.emulators.authority.context.device_codes


def poll_once(app: Any, flow: dict[str, Any]) -> dict[str, Any]:
    """Poll without waiting."""
    return dict(app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True))


def test_a_device_flow(azcred: Azcred, entra: Entra, app: Any, codes: DeviceCodes) -> None:
    """Pending until the person approves, then tokens, then answers from the cache and by refresh token."""
    flow = app.initiate_device_flow(SCOPES)
    assert flow["user_code"] in flow["message"]
    assert poll_once(app, flow)["error"] == "authorization_pending"
    codes.approve(flow["user_code"], entra.emulators.authority.sign_in(entra.user))
    azcred.clock.advance(seconds=5)
    result = poll_once(app, flow)
    assert claims_of(result["access_token"])["tid"] == contoso.TENANT.id
    [account] = app.get_accounts()
    assert account["username"] == entra.user.principal_name
    assert app.acquire_token_silent(SCOPES, account)["token_source"] == "cache"
    azcred.clock.advance(hours=2)
    assert app.acquire_token_silent(SCOPES, account)["token_source"] == "identity_provider"
    other = app.acquire_token_silent([f"{GRAPH}/.default"], account)
    assert claims_of(other["access_token"])["aud"] == GRAPH


def test_a_device_that_polls_too_often_slows_down(azcred: Azcred, app: Any) -> None:
    """Microsoft's documentation does not list `slow_down`; msal 1.39 reads it as RFC 8628 has it (PROTOCOLS 5.5)."""
    flow = app.initiate_device_flow(SCOPES)
    assert poll_once(app, flow)["error"] == "authorization_pending"
    with pytest.warns(UserWarning, match="Attempted too soon"):
        assert poll_once(app, flow)["error"] == "slow_down"
    assert flow["interval"] == 10
    azcred.clock.advance(seconds=10)
    assert poll_once(app, flow)["error"] == "authorization_pending"


def test_a_person_declines(app: Any, codes: DeviceCodes) -> None:
    """msal stops polling."""
    flow = app.initiate_device_flow(SCOPES)
    codes.decline(flow["user_code"])
    assert app.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


def test_a_code_expires(azcred: Azcred, app: Any) -> None:
    """After fifteen minutes; msal stops polling."""
    flow = app.initiate_device_flow(SCOPES)
    azcred.clock.advance(minutes=15)
    assert app.acquire_token_by_device_flow(flow)["error"] == "expired_token"


def test_user_name_and_password(entra: Entra, app: Any) -> None:
    """The account's state decides; msal passes on what is wrong."""
    user = entra.user

    def sign_in(password: str) -> dict[str, Any]:
        return dict(app.acquire_token_by_username_password(user.principal_name, password, SCOPES))

    assert claims_of(sign_in(user.password)["access_token"])["oid"] == user.object_id
    assert sign_in("wrong")["error_codes"] == [50126]
    entra.emulators.directory.replace(user, mfa=Mfa.ENFORCED)
    result = sign_in(user.password)
    assert (result["error"], result["suberror"]) == ("invalid_grant", "basic_action")


def test_the_family_shares_refresh_tokens(entra: Entra, app: Any) -> None:
    """msal finds the family's refresh token in a shared cache, for a client that never signed anybody in."""
    app.acquire_token_by_username_password(entra.user.principal_name, entra.user.password, SCOPES)
    other = msal.PublicClientApplication(
        contoso.DEVELOPER_TOOLS["Microsoft Azure PowerShell"],
        authority="https://login.microsoftonline.com/organizations",
        token_cache=app.token_cache,
    )
    result = other.acquire_token_silent(SCOPES, other.get_accounts()[0])
    assert claims_of(result["access_token"])["appid"] == other.client_id


def test_an_inactive_account_must_sign_in_again(azcred: Azcred, entra: Entra, app: Any) -> None:
    """Ninety days later msal finds nothing to answer with."""
    app.acquire_token_by_username_password(entra.user.principal_name, entra.user.password, SCOPES)
    [account] = app.get_accounts()
    azcred.clock.advance(days=90)
    assert app.acquire_token_silent_with_error(SCOPES, account)["error_codes"] == [700082]


def test_signing_out_forgets_the_account(entra: Entra, app: Any) -> None:
    """msal's own cache."""
    app.acquire_token_by_username_password(entra.user.principal_name, entra.user.password, SCOPES)
    app.remove_account(app.get_accounts()[0])
    assert app.get_accounts() == []


def test_a_desktop_app_signs_in_with_a_code(entra: Entra, app: Any) -> None:
    """Without a secret, back to loopback on a port of its own."""
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri="http://localhost:50001", response_mode="form_post")
    redirect = entra.emulators.authority.authorize(flow["auth_uri"], entra.user)
    assert redirect.address == "http://localhost:50001"
    result = app.acquire_token_by_auth_code_flow(flow, dict(redirect.parameters))
    assert claims_of(result["access_token"])["appidacr"] == "0"
