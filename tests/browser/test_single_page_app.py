"""Unmodified @azure/msal-browser: a single-page app that redeems its code and refreshes its token itself."""

import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page
from support.chromium import Window
from support.entra import AUTHORITY, Entra, claims_of

from azcred_emulators.directory import Application, contoso

LIBRARY = Path(__file__).parents[2] / "node_modules" / "@azure" / "msal-browser" / "lib" / "msal-browser.min.js"
PAGE = Path(__file__).with_name("spa.html")

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="@azure/msal-browser is not installed; run: npm ci")


class _Files(SimpleHTTPRequestHandler):
    """Serves the page at `/` and the library beside it, and writes no log."""

    def translate_path(self, path: str) -> str:
        """Return the file at a path."""
        return str(LIBRARY if path.startswith("/msal-browser.min.js") else PAGE)

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


@pytest.fixture
def origin() -> Iterator[str]:
    """Where the page is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def spa(entra: Entra, origin: str) -> Application:
    """The app, at the address where it is served."""
    return entra.add_web_app("spa", secrets=(), redirect_uris=(), spa_redirect_uris=(f"{origin}/",))


def visit(window: Window, spa: Application, origin: str) -> None:
    """Come to the app."""
    settings = {"client": spa.client_id, "authority": f"{AUTHORITY}/{contoso.TENANT.id}"}
    window.open(f"{origin}/?{urlencode(settings)}")
    window.wait()


def test_a_single_page_app(entra: Entra, window: Window, spa: Application, origin: str) -> None:
    """Signs in, redeems the code from its own page, and refreshes the token from there."""

    def person(page: Page) -> tuple[str, str]:
        page.get_by_role("button", name=entra.user.name).click()
        page.get_by_label("Password").fill(entra.user.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="No").click()
        page.get_by_text(f"Hello {entra.user.name}").wait_for()
        page.evaluate("renew()")
        page.get_by_text("renewed").wait_for()
        return page.evaluate("token"), page.evaluate("renewed")

    visit(window, spa, origin)
    first, renewed = map(claims_of, window.do(person))
    assert (first["appid"], first["oid"], first["appidacr"]) == (spa.client_id, entra.user.object_id, "0")
    assert first["uti"] != renewed["uti"]
    tokens = entra.emulators.journal.requests(operation="token")
    assert [(one.grant, one.status) for one in tokens] == [("authorization_code", 200), ("refresh_token", 200)]
    assert window.hosts == {"localhost", "login.microsoftonline.com"}


def test_signing_out(entra: Entra, window: Window, spa: Application, origin: str) -> None:
    """The library leaves through the token service, which forgets the session and sends the browser back."""

    def person(page: Page) -> None:
        page.get_by_role("button", name=entra.user.name).click()
        page.get_by_label("Password").fill(entra.user.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Yes").click()
        page.get_by_text(f"Hello {entra.user.name}").wait_for()
        page.evaluate("void app.logoutRedirect()")  # the page goes while it runs
        page.get_by_role("heading", name="Pick an account").wait_for()
        assert page.get_by_text("signed in").count() == 0

    visit(window, spa, origin)
    window.do(person)
    operations = [one.operation for one in entra.emulators.journal.requests(emulator="authority")]
    assert operations[-2:] == ["logout", "authorize"]


def test_a_page_elsewhere_learns_nothing(entra: Entra, window: Window, spa: Application, origin: str) -> None:
    """The same app at an address that is not registered: the browser itself keeps the answer from it."""
    elsewhere = origin.replace("localhost", "127.0.0.1")
    entra.emulators.directory.replace(spa, spa_redirect_uris=(f"{origin}/",), redirect_uris=(f"{elsewhere}/",))

    def person(page: Page) -> str:
        page.get_by_role("button", name=entra.user.name).click()
        page.get_by_label("Password").fill(entra.user.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="No").click()
        status = page.locator("#status")
        status.get_by_text(":").wait_for()
        return str(status.inner_text())

    visit(window, spa, elsewhere)
    assert "Hello" not in window.do(person)
    assert {one.error for one in entra.emulators.journal.requests(operation="token")} == {"AADSTS9002326"}
