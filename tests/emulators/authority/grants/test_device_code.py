"""The device code grant: the device polls, the person decides."""

from typing import Any

import pytest
from support.entra import DEVICE_CODE_GRANT, GRAPH, VAULT, Entra, claims_of, refusal

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import identifiers


def start(entra: Entra, **changes: Any) -> dict[str, Any]:
    """Ask for a device code as the Azure CLI does."""
    form = {"client_id": identifiers.AZURE_CLI_CLIENT_ID, "scope": f"{VAULT}/.default openid offline_access"}
    response = entra.post({**form, **changes}, path="oauth2/v2.0/devicecode")
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def poll(entra: Entra, device_code: str, **changes: Any) -> Any:
    """Poll once, at whatever time it is."""
    form = {
        "grant_type": DEVICE_CODE_GRANT,
        "client_id": identifiers.AZURE_CLI_CLIENT_ID,
        "device_code": device_code,
        "scope": None,
    }
    return entra.post({**form, **changes})


def test_the_device_shows_where_to_go_and_what_to_type(entra: Entra) -> None:
    """The fields of RFC 8628 with Entra ID's values, and a sentence for the person."""
    flow = start(entra)
    assert (flow["expires_in"], flow["interval"]) == (900, 5)
    assert flow["verification_uri"] == "https://microsoft.com/devicelogin"
    assert flow["user_code"] in flow["message"]
    assert len(flow["user_code"]) == 9


def test_an_approved_code_gets_the_tokens_once(entra: Entra) -> None:
    """Pending until then, unknown afterwards."""
    flow = start(entra)
    codes = entra.emulators.authority.context.device_codes
    assert refusal(poll(entra, flow["device_code"])) == (400, "authorization_pending", 70016)
    codes.approve(flow["user_code"].lower(), entra.emulators.authority.sign_in(entra.user))
    response = poll(entra, flow["device_code"])
    assert claims_of(response)["oid"] == entra.user.object_id
    assert claims_of(response)["aud"] == VAULT
    assert response.get_json()["refresh_token"]
    assert refusal(poll(entra, flow["device_code"])) == (400, "bad_verification_code", 70018)


def test_polling_too_often_slows_the_device_down(entra: Entra) -> None:
    """The interval grows by five seconds, as RFC 8628 has it."""
    code = start(entra)["device_code"]
    assert refusal(poll(entra, code))[1] == "authorization_pending"
    assert refusal(poll(entra, code)) == (400, "slow_down", 70016)
    entra.emulators.clock.advance(seconds=5)
    assert refusal(poll(entra, code))[1] == "slow_down"
    entra.emulators.clock.advance(seconds=15)
    assert refusal(poll(entra, code))[1] == "authorization_pending"


def test_a_declined_code_says_so(entra: Entra) -> None:
    """`authorization_declined` is Entra ID's word for RFC 8628's access_denied."""
    flow = start(entra)
    codes = entra.emulators.authority.context.device_codes
    assert [code.user_code for code in codes.pending()] == [flow["user_code"]]
    codes.decline(flow["user_code"])
    assert refusal(poll(entra, flow["device_code"]))[:2] == (400, "authorization_declined")
    assert codes.pending() == []


def test_a_code_expires_unused(entra: Entra) -> None:
    """For the device and for the person."""
    flow = start(entra)
    codes = entra.emulators.authority.context.device_codes
    entra.emulators.clock.advance(seconds=900)
    assert refusal(poll(entra, flow["device_code"])) == (400, "expired_token", 70019)
    with pytest.raises(EntraError) as refused:
        codes.approve(flow["user_code"], entra.emulators.authority.sign_in(entra.user))
    assert refused.value.code == 70019


def test_a_person_decides_once(entra: Entra) -> None:
    """A code that was decided on, or never was, cannot be approved."""
    flow = start(entra)
    codes = entra.emulators.authority.context.device_codes
    codes.decline(flow["user_code"])
    for user_code in (flow["user_code"], "XXXXXXXXX"):
        with pytest.raises(EntraError) as refused:
            codes.approve(user_code, entra.emulators.authority.sign_in(entra.user))
        assert refused.value.code == 70018


def test_a_device_code_is_its_clients_and_tenants(entra: Entra) -> None:
    """Nobody else may poll with it."""
    flow = start(entra)
    other = entra.add_web_app("other", public_client=True)
    entra.emulators.authority.context.device_codes.approve(
        flow["user_code"], entra.emulators.authority.sign_in(entra.user)
    )
    assert refusal(poll(entra, flow["device_code"], client_id=other.client_id))[2] == 70018
    assert refusal(poll(entra, "DAQunknown"))[2] == 70018
    assert refusal(poll(entra, flow["device_code"], client_id=None))[2] == 900144
    elsewhere = entra.post(
        {"grant_type": DEVICE_CODE_GRANT, "client_id": entra.cli.client_id, "device_code": flow["device_code"]},
        tenant="organizations",
    )
    assert refusal(elsewhere)[2] == 700005


def test_what_asks_for_a_code_must_be_a_client(entra: Entra) -> None:
    """Known, and able to prove itself or public; with something to ask for."""
    closed = entra.add_web_app("closed", secrets=())
    form: dict[str, str | None] = {"client_id": identifiers.AZURE_CLI_CLIENT_ID, "scope": f"{GRAPH}/.default"}
    for change, expected in (
        ({"client_id": "8" * 8}, (400, "unauthorized_client", 700016)),
        ({"client_id": closed.client_id}, (401, "invalid_client", 7000218)),
        ({"scope": None}, (400, "invalid_request", 90014)),
        ({"scope": "<b>"}, (400, "invalid_scope", 70011)),
    ):
        assert refusal(entra.post({**form, **change}, path="oauth2/v2.0/devicecode")) == expected


def test_version_1_has_words_of_its_own(entra: Entra) -> None:
    """`resource`, `verification_url`, `code`, and numbers in strings."""
    form: dict[str, str | None] = {"client_id": identifiers.AZURE_CLI_CLIENT_ID, "resource": VAULT}
    flow = entra.post(form, path="oauth2/devicecode").get_json()
    assert flow["verification_url"]
    assert (flow["expires_in"], flow["interval"]) == ("900", "5")
    entra.emulators.authority.context.device_codes.approve(
        flow["user_code"], entra.emulators.authority.sign_in(entra.user)
    )
    body = entra.post(
        {**form, "grant_type": "device_code", "code": flow["device_code"]}, path="oauth2/token"
    ).get_json()
    assert claims_of(body["access_token"])["aud"] == VAULT
    assert body["resource"] == VAULT


def test_a_device_code_shows_nothing_of_itself(entra: Entra) -> None:
    """Neither in a repr nor in the journal."""
    flow = start(entra)
    [code] = entra.emulators.authority.context.device_codes.pending()
    shown = repr(code) + repr(entra.emulators.journal.requests())
    assert flow["device_code"] not in shown
    assert flow["user_code"] not in shown
