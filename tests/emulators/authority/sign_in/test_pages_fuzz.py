"""Hypothesis drives what browsers and clients of AD FS reach: never a 500, never a redirect to anywhere else."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.entra import AUTHORITY, REDIRECT, SECRET, Entra
from werkzeug.test import Client, TestResponse

from azcred_emulators.directory import Mfa, identifiers

pytestmark = pytest.mark.slow

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
SPECIAL = st.sampled_from(
    ["", "\u2028", "%00", "\\", "'\"><script>alert(1)</script>", "https://evil.example/", "javascript:x"]
)
common = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def parameters(entra: Entra) -> dict[str, list[str]]:
    """Values that are right in some request, by parameter."""
    shop = entra.add_web_app(id_token_issuance=True, access_token_issuance=True)
    entra.add_user("careful", mfa=Mfa.ENFORCED)
    code = entra.emulators.authority.context.device_codes.start(client_id=entra.cli.client_id, tenant="organizations")
    return {
        "client_id": [shop.client_id, entra.cli.client_id],
        "redirect_uri": [REDIRECT, "http://localhost:1"],
        "response_type": ["code", "code id_token", "id_token token"],
        "response_mode": ["query", "fragment", "form_post"],
        "scope": ["openid", "https://graph.microsoft.com/.default openid", "openid offline_access User.Read"],
        "resource": ["https://graph.microsoft.com"],
        "state": ["s"],
        "nonce": ["n"],
        "prompt": ["none", "login", "select_account", "consent"],
        "login_hint": [identifiers.USER_PRINCIPAL_NAME],
        "domain_hint": ["contoso.com", "organizations"],
        "claims": ['{"access_token":{"xms_cc":{"values":["CP1"]}}}'],
        "code_challenge": ["c"],
        "code_challenge_method": ["S256", "plain"],
        "otc": [code.user_code],
        "step": ["account", "password", "mfa", "stay", "consent", "confirm", "return", "code"],
        "answer": ["next", "yes", "no", "cancel", "approve", "accept", "return"],
        "username": ["careful@contoso.com", identifiers.USER_PRINCIPAL_NAME],
        "user": [identifiers.USER_ID],
        "password": ["pw"],
        "canary": ["x"],
        "ticket": ["x"],
    }


def draw(data: st.DataObject, parameters: dict[str, list[str]]) -> dict[str, str]:
    """Return some of the parameters, most of them right."""
    names = data.draw(st.lists(st.sampled_from(sorted(parameters)), unique=True))
    return {name: data.draw(st.sampled_from(parameters[name]) | SPECIAL | TEXT) for name in names}


def check(response: TestResponse) -> None:
    """A page, or a redirect to an address of the app's or of the token service's own; no markup of the request's."""
    assert response.status_code < 500
    assert "<script>alert" not in response.text
    if location := response.headers.get("Location"):
        parts = urlsplit(location)
        own = (f"{parts.scheme}://{parts.netloc}{parts.path}", parts.netloc)
        assert own[0] == REDIRECT or own[1] in (
            "localhost:1",
            "localhost",
            "localhost:8400",
            "login.microsoftonline.com",
        )


@common
@given(data=st.data(), version=st.sampled_from(["", "v2.0/"]), tenant=st.sampled_from(["common", "contoso.com", "x"]))
def test_no_request_trips_the_pages(
    data: st.DataObject, version: str, tenant: str, parameters: dict[str, list[str]], client: Client
) -> None:
    """Whether it comes from an app or pretends to come from a page, at `/authorize` or where device codes go."""
    query, form = draw(data, parameters), draw(data, parameters)
    for path in (f"/{tenant}/oauth2/{version}authorize", "/common/oauth2/deviceauth"):
        check(client.get(path, base_url=AUTHORITY, query_string=query))
        check(client.post(path, base_url=AUTHORITY, query_string=query, data=form))


@common
@given(body=st.binary(max_size=200) | TEXT.map(str.encode), data=st.data())
def test_no_body_trips_ad_fs(body: bytes, data: st.DataObject, entra: Entra, client: Client) -> None:
    """XML or not, form or not; a fault is what it answers with 500."""
    entra.emulators.adfs.federate("fabrikam.com")
    host = "https://sts.fabrikam.com"
    fault = client.post("/adfs/services/trust/13/usernamemixed", base_url=host, data=body)
    assert (fault.status_code, "a:InvalidRequest" in fault.text) == (500, True)
    names = ["grant_type", "client_id", "client_secret", "client_assertion", "resource", "scope", "username"]
    known: dict[str, Any] = {"grant_type": ["client_credentials", "password"], "client_id": [entra.cli.client_id]}
    form = {name: data.draw(st.sampled_from(known.get(name, [""])) | TEXT) for name in names}
    response = client.post("/adfs/oauth2/token", base_url=host, data={**form, "password": SECRET})
    assert response.status_code == 400
    assert response.get_json()["error_description"].startswith("MSIS")
