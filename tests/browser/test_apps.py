"""Apps whose users sign in in a real browser: msal's desktop flow, its device codes, and a web app."""

import webbrowser
from collections.abc import Iterator
from typing import Any

import msal
import pytest
from playwright.sync_api import Page
from support.chromium import Window
from support.entra import AUTHORITY, VAULT, Entra, claims_of
from support.shop import Shop

SCOPE = f"{VAULT}/.default"

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended")


@pytest.fixture
def app(entra: Entra) -> Any:
    """A desktop app of msal's."""
    return msal.PublicClientApplication(entra.cli.client_id, authority=f"{AUTHORITY}/organizations")


@pytest.fixture
def opened(window: Window, monkeypatch: pytest.MonkeyPatch) -> Window:
    """The window, as the one browser that Python knows."""
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    webbrowser.register("chromium", None, window, preferred=True)
    return window


def sign_in(page: Page, name: str, password: str) -> None:
    """Choose the account, type the password, and leave no session behind."""
    page.get_by_role("button", name=name).click()
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="No").click()


def test_a_desktop_app(entra: Entra, opened: Window, app: Any) -> None:
    """msal opens the window, waits, and has the tokens of the person who signed in there."""

    def person(page: Page) -> None:
        sign_in(page, entra.user.name, entra.user.password)
        page.get_by_text("Authentication complete").wait_for()

    opened.person = person
    result = app.acquire_token_interactive([SCOPE], timeout=30)
    opened.wait()
    assert claims_of(result["access_token"])["oid"] == entra.user.object_id
    assert opened.hosts == {"login.microsoftonline.com", "localhost"}
    [token] = entra.emulators.journal.requests(operation="token")
    assert (token.grant, token.status, token.identity) == ("authorization_code", 200, entra.user.principal_name)


def test_a_desktop_app_is_told_that_the_person_cancels(opened: Window, app: Any) -> None:
    """In the words of Entra ID."""
    opened.person = lambda page: page.get_by_role("button", name="Cancel").click()
    result = app.acquire_token_interactive([SCOPE], timeout=30)
    opened.wait()
    assert result["error"] == "access_denied"
    assert "AADSTS65004" in result["error_description"]


def test_a_device(entra: Entra, window: Window, app: Any) -> None:
    """The address in msal's message leads to the page; who signs in there is who the device acts for."""
    flow = app.initiate_device_flow([SCOPE])
    window.open(flow["verification_uri"])

    def person(page: Page) -> None:
        page.get_by_label("Code that your app or device shows").fill(flow["user_code"])
        page.get_by_role("button", name="Next").click()
        page.get_by_role("button", name=entra.user.name).click()
        page.get_by_label("Password").fill(entra.user.password)
        page.get_by_role("button", name="Sign in").click()
        assert page.get_by_role("heading").inner_text() == "Are you trying to sign in to Microsoft Azure CLI?"
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("heading", name="You have signed in").wait_for()

    window.do(person)
    assert claims_of(app.acquire_token_by_device_flow(flow)["access_token"])["oid"] == entra.user.object_id
    assert window.hosts == {"microsoft.com", "login.microsoftonline.com"}


@pytest.fixture(params=["form_post", "query"])
def shop(entra: Entra, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A web app on a free port, which asks for its answer in each way; nobody has consented to it yet."""
    with Shop(entra, response_mode=request.param) as shop:
        yield shop


@pytest.mark.parametrize(
    ("button", "greeting"), [("Accept", "Hello Dana Developer"), ("Cancel", "Hello access_denied")]
)
def test_a_web_app(entra: Entra, window: Window, shop: Shop, button: str, greeting: str) -> None:
    """The app sends the browser to sign in; consent, or its absence, is what it hears of."""

    def person(page: Page) -> None:
        sign_in(page, entra.user.name, entra.user.password)
        page.get_by_role("button", name=button).click()
        page.get_by_text(greeting).wait_for()

    window.open(shop.url)
    window.do(person)
    assert shop.visitors == [greeting.removeprefix("Hello ")]


def test_a_web_app_that_sends_its_users_on(entra: Entra, window: Window, shop: Shop) -> None:
    """The rules of the page that let the form go to the app let the app's own redirect to another host pass."""
    shop.after = f"{shop.url.replace('localhost', '127.0.0.1')}/hello"

    def person(page: Page) -> None:
        sign_in(page, entra.user.name, entra.user.password)
        page.get_by_role("button", name="Accept").click()
        page.get_by_text("This is /hello").wait_for()

    window.open(shop.url)
    window.do(person)
    assert window.hosts == {"login.microsoftonline.com", "localhost", "127.0.0.1"}
