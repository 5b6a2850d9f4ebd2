"""The sign-in pages without a browser: their forms as they come, filled in and sent."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

from support.entra import AUTHORITY, GRAPH, REDIRECT, Entra
from werkzeug.test import TestResponse

from azcred_emulators.directory import Application, User, contoso

PAGE = f"/{contoso.TENANT.id}/oauth2/v2.0/authorize"


def start(entra: Entra, app: Application, path: str = PAGE, **changes: str | None) -> TestResponse:
    """Come to the page from an app."""
    query = {
        "client_id": app.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": f"{GRAPH}/User.Read openid",
        "state": "s",
        **changes,
    }
    given = {name: value for name, value in query.items() if value is not None}
    return entra.client.get(f"{path}?{urlencode(given)}", base_url=AUTHORITY)


def submit(entra: Entra, page: TestResponse, **fields: str) -> TestResponse:
    """Send the last form of a page with these fields filled in."""
    action = unescape(re.findall(r'action="([^"]*)"', page.text)[-1])
    hidden = re.findall(r'<input (?:type="hidden" )?name="([^"]*)" value="([^"]*)"', page.text.rpartition("<form")[2])
    form = {name: unescape(value) for name, value in hidden} | fields
    return entra.client.post(action, base_url=AUTHORITY, data=form)


def sign_in(entra: Entra, page: TestResponse, user: User | None = None) -> TestResponse:
    """Fill in account and password; the answer is the page after these."""
    user = user or entra.user
    page = submit(entra, page, username=user.principal_name)
    return submit(entra, page, password=user.password)


def back(response: TestResponse, address: str = REDIRECT) -> dict[str, str]:
    """Return what the browser brings back to the app."""
    assert response.status_code == 302, response.text
    assert response.location.split("?")[0] == address
    return dict(parse_qsl(urlsplit(response.location).query))
