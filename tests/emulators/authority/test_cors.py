"""What pages' scripts may read of the token service, and what only a single-page app's may."""

from typing import Any

import pytest
from support.entra import AUTHORITY, CHALLENGE, SECRET, VAULT, VERIFIER, Entra, refusal
from werkzeug.test import TestResponse

from azcred_emulators.directory import Application, contoso

PAGE = "https://spa.contoso.com"
REDIRECT = f"{PAGE}/auth"


@pytest.fixture
def spa(entra: Entra) -> Application:
    """A single-page app, in the cloud and on the developer's machine."""
    return entra.add_web_app(
        "spa", secrets=(), redirect_uris=(), spa_redirect_uris=(REDIRECT, "http://localhost:3000/auth")
    )


def preflight(entra: Entra, origin: str, path: str = "oauth2/v2.0/token") -> TestResponse:
    """Ask as a browser does before it sends a page's request."""
    return entra.client.options(
        f"/{contoso.TENANT.id}/{path}",
        base_url=AUTHORITY,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "client-request-id",
        },
    )


def redeem(entra: Entra, spa: Application, origin: str, **changes: Any) -> TestResponse:
    """Redeem the code of a user of the single-page app."""
    asked: dict[str, Any] = {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "redirect_uri": REDIRECT}
    code = entra.authorize(spa, **asked)["code"]
    form = {"client_secret": None, "code_verifier": VERIFIER, "redirect_uri": REDIRECT, **changes}
    return entra.redeem(spa, code, headers={"Origin": origin}, **form)


@pytest.mark.usefixtures("spa")
@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000", "http://localhost:5173"])
def test_a_browser_may_send_its_pages_requests(entra: Entra, origin: str) -> None:
    """It asks first, of any single-page app's page; that is no request for a token."""
    for path in ("oauth2/v2.0/token", "oauth2/token"):
        response = preflight(entra, origin, path)
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Access-Control-Allow-Headers"] == "client-request-id"
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert entra.emulators.journal.requests(operation="token") == []
    assert len(entra.emulators.journal.requests(operation="preflight")) == 2


@pytest.mark.usefixtures("spa")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{PAGE}.evil.example", "http://spa.contoso.com", f"{PAGE}:8443", "null", ""]
)
def test_a_browser_may_not_send_others(entra: Entra, origin: str) -> None:
    """The answer lacks what the browser looks for."""
    assert "Access-Control-Allow-Origin" not in preflight(entra, origin).headers


def test_the_page_reads_the_answer(entra: Entra, spa: Application) -> None:
    """Tokens, and refusals that it can do something about."""
    granted, refused = redeem(entra, spa, PAGE), redeem(entra, spa, PAGE, code_verifier="w" * 64)
    assert granted.status_code == 200
    assert refusal(refused) == (400, "invalid_grant", 501481)
    assert [one.headers["Access-Control-Allow-Origin"] for one in (granted, refused)] == [PAGE] * 2


def test_another_page_does_not(entra: Entra, spa: Application) -> None:
    """Nor is anything redeemed for it."""
    refused = redeem(entra, spa, "https://evil.example")
    assert refusal(refused) == (400, "invalid_request", 9002326)
    assert "https://evil.example" in refused.text
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_an_apps_own_token_is_not_for_pages(entra: Entra, spa: Application) -> None:
    """Not even one of another app's, which would betray its secret."""
    shop = entra.add_web_app()
    form = {"grant_type": "client_credentials", "client_id": shop.client_id, "client_secret": SECRET}
    refused = entra.post({**form, "scope": f"{VAULT}/.default"}, headers={"Origin": PAGE})
    assert refusal(refused) == (400, "invalid_request", 9002326)
    assert spa.spa_redirect_uris


@pytest.mark.parametrize(
    "path",
    [
        "common/v2.0/.well-known/openid-configuration",
        "common/.well-known/openid-configuration",
        "common/discovery/v2.0/keys",
        "common/discovery/instance?authorization_endpoint=https://login.microsoftonline.com/common/oauth2/authorize",
    ],
)
def test_anybody_may_read_the_documents(entra: Entra, path: str) -> None:
    """They hold no secret."""
    response = entra.client.get(f"/{path}", base_url=AUTHORITY, headers={"Origin": "https://anywhere.example"})
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200, "*")
