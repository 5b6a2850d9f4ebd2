"""Refusals of the token service that a test asks for, and how unmodified SDKs take them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from support.entra import AUTHORITY, REDIRECT, SECRET, VAULT, Entra, refusal
from werkzeug.test import Client

from azcred_emulators.authority.errors import ERRORS
from azcred_emulators.directory import contoso
from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import BadChallenge, Refuse, Status, Throttle
from pytest_azcred.azcred import Azcred

SCOPE = f"{VAULT}/.default"


@pytest.fixture
def entra(azcred: Azcred, azcred_emulators: Emulators) -> Entra:
    """The token service with the routing to it; its client without sockets is for what no SDK does."""
    return Entra(azcred_emulators, Client(azcred_emulators.application))


@pytest.fixture
def credential(entra: Entra) -> Iterator[ClientSecretCredential]:
    """azure-identity's, of an app whose every request the service would grant."""
    shop = entra.add_web_app()
    with ClientSecretCredential(contoso.TENANT.id, shop.client_id, SECRET) as credential:
        yield credential


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_can_be_asked_for(entra: Entra, azcred: Azcred, code: int) -> None:
    """In Entra ID's shape, with what the request names in the text, once."""
    azcred.authority.faults.add(Refuse(f"AADSTS{code}"))
    assert refusal(entra.password(entra.user)) == (ERRORS[code].status, ERRORS[code].error, code)
    assert entra.password(entra.user).status_code == 200
    [refused] = azcred.journal.requests(fault="Refuse")
    assert (refused.error, refused.status, refused.grant) == (f"AADSTS{code}", ERRORS[code].status, "password")


def test_a_refusal_says_what_comes_next(entra: Entra, azcred: Azcred) -> None:
    """Claims to send, a finer reason, a time to wait; the text names the client and what it asked for."""
    claims = {"access_token": {"capolids": {"essential": True, "values": ["1"]}}}
    azcred.authority.faults.add(Refuse("AADSTS53003", claims=claims, suberror="additional_action", retry_after=7))
    azcred.authority.faults.add(Refuse("AADSTS650057"))
    refused = entra.password(entra.user)
    assert refused.headers["Retry-After"] == "7"
    assert refused.get_json()["suberror"] == "additional_action"
    assert refused.get_json()["claims"] == '{"access_token":{"capolids":{"essential":true,"values":["1"]}}}'
    named = entra.password(entra.user).get_json()["error_description"]
    assert entra.cli.client_id in named
    assert "https://graph.microsoft.com" in named


def test_azure_identity_reports_a_refusal(azcred: Azcred, credential: ClientSecretCredential) -> None:
    """The code is in the error; a script may mix refusals with other faults, and 5xx are for the SDK to handle."""
    azcred.authority.faults.add(Refuse("AADSTS7000222"), Status(503, body={}), Refuse("AADSTS90033"))
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000222"):
        credential.get_token(SCOPE)
    assert credential.get_token(SCOPE).token
    assert [one.status for one in azcred.journal.requests(operation="token")] == [401, 503, 503, 200]


def test_throttling_is_a_refusal_of_its_own(entra: Entra, azcred: Azcred) -> None:
    """With the status, the code and the time to wait."""
    azcred.authority.faults.add(Throttle(), Throttle(retry_after=1))
    for seconds in ("60", "1"):
        throttled = entra.password(entra.user)
        assert refusal(throttled) == (429, "temporarily_unavailable", 90055)
        assert throttled.headers["Retry-After"] == seconds
    assert [entry.error for entry in azcred.journal.requests(fault="Throttle")] == ["AADSTS90055"] * 2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Refuse("AADSTS700215"), "has no refusal 'AADSTS700215'; did you mean 'AADSTS7000215'?"),
        (Refuse("no"), "has no refusal 'no'; its names are like 'AADSTS"),
        (Refuse("identity-not-found"), "the emulator 'authority' has no refusal 'identity-not-found'"),
        (
            BadChallenge("no-file"),
            "the emulator 'authority' sends no challenges, so",
        ),
    ],
    ids=repr,
)
def test_a_refusal_that_is_not_entra_ids(azcred: Azcred, fault: RequestFault, message: str) -> None:
    """Is an error where the test adds it."""
    with pytest.raises(TypeError, match=re.escape(message)):
        azcred.authority.faults.add(fault)
    assert not azcred.authority.faults


def test_msal_waits_as_long_as_it_is_told(entra: Entra, azcred: Azcred) -> None:
    """It sends nothing until the time that Entra ID named is over."""
    azcred.authority.faults.add(Throttle(retry_after=60))
    shop = entra.add_web_app()
    app = msal.ConfidentialClientApplication(
        shop.client_id, client_credential=SECRET, authority=f"{AUTHORITY}/{contoso.TENANT.id}"
    )
    for _ in range(2):
        assert app.acquire_token_for_client([SCOPE])["error_codes"] == [90055]
    assert [one.status for one in azcred.journal.requests(operation="token")] == [429]
    azcred.clock.advance(seconds=61)
    assert "access_token" in app.acquire_token_for_client([SCOPE])


@pytest.mark.asyncio
async def test_azure_identity_comes_back_after_throttling(entra: Entra, azcred: Azcred) -> None:
    """The asynchronous credential's pipeline reads the header."""
    azcred.authority.faults.add(Throttle(retry_after=0))
    shop = entra.add_web_app()
    async with AsyncClientSecretCredential(contoso.TENANT.id, shop.client_id, SECRET) as credential:
        assert (await credential.get_token(SCOPE)).token
    assert [one.status for one in azcred.journal.requests(operation="token")] == [429, 200]


def test_a_page_may_read_the_refusal(entra: Entra, azcred: Azcred) -> None:
    """So that a single-page app can be tested with it."""
    azcred.authority.faults.add(Refuse("AADSTS90033"))
    origin = "https://spa.contoso.com"
    refused = entra.post({"grant_type": "refresh_token"}, headers={"Origin": origin})
    assert refused.headers["Access-Control-Allow-Origin"] == origin


def test_a_browser_is_shown_the_refusal(entra: Entra, azcred: Azcred) -> None:
    """On the error page, escaped as everything is."""
    azcred.authority.faults.add(Refuse("AADSTS50105"), operation="authorize")
    shop = entra.add_web_app("<b>shop</b>")
    page = entra.client.get(
        f"/{contoso.TENANT.id}/oauth2/v2.0/authorize?client_id={shop.client_id}&redirect_uri={REDIRECT}",
        base_url=AUTHORITY,
    )
    assert page.status_code == 400
    assert "AADSTS50105" in page.text
    assert "<b>shop" not in page.text
