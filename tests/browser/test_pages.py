"""The sign-in pages as a person sees and uses them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from support.axe import axe_script, violations
from support.chromium import Window
from support.entra import AUTHORITY, Entra
from support.shop import Shop

from azcred_emulators.directory import ConditionalAccessPolicy, Mfa, contoso

# The controls that a person could use without knowing what they are.
NAMELESS = """() => [...document.querySelectorAll('input:not([type=hidden]):not([hidden]), button')]
    .filter(one => !(one.labels && one.labels.length || one.textContent.trim()))
    .map(one => one.outerHTML)"""


@pytest.fixture
def shop(entra: Entra, window: Window) -> Iterator[Shop]:
    """The web app that sends the window to the pages; nothing may be loaded from anywhere but these two."""
    with Shop(entra) as shop:
        yield shop
    assert window.hosts <= {"login.microsoftonline.com", "localhost"}


def heading(page: Page) -> str:
    """Return what the page is headed, which is its title, too."""
    text: str = page.title()
    assert page.get_by_role("heading").all_inner_texts() == [text]
    return text


def press(page: Page, button: str) -> None:
    """Press a button and wait for what comes of it."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def sign_in(page: Page, name: str, password: str) -> None:
    """Choose an account that is listed and type its password."""
    press(page, name)
    page.get_by_label("Password").fill(password)
    press(page, "Sign in")


def test_by_keyboard_alone(entra: Entra, window: Window, shop: Shop) -> None:
    """Every page says what it is and names every control, and none needs a mouse."""
    user = entra.add_user("ada", mfa=Mfa.ENFORCED)
    pages = {
        "Pick an account": ["Tab", "Tab", "Tab", user.principal_name],  # past the two that are listed
        "Enter password": [user.password],  # the field has the focus
        "Approve sign-in request": ["Tab"],
        "Stay signed in?": ["Tab", "Tab"],
        "Permissions requested": ["Tab", "Tab", "Shift+Tab"],
    }

    script = axe_script()

    def person(page: Page) -> None:
        for title, keys in pages.items():
            assert heading(page) == title
            assert violations(page, script) == []
            assert page.evaluate(NAMELESS) == []
            assert page.get_attribute("html", "lang") == "en"
            for key in keys:
                page.keyboard.press(key) if key.endswith("Tab") else page.keyboard.type(key)
            with page.expect_navigation():
                page.keyboard.press("Enter")
        page.get_by_text("Hello Ada").wait_for()

    window.open(shop.url)
    window.do(person)
    assert shop.visitors == [user.name]


def test_the_account_picker(entra: Entra, window: Window, shop: Shop) -> None:
    """Lists the directory's users and says who is signed in already, who then needs no password."""
    entra.add_user("ada")
    shop.options["prompt"] = "select_account"

    def listed(page: Page) -> list[str]:
        return [text.replace("\n", " ") for text in page.get_by_role("listitem").all_inner_texts()]

    def first_visit(page: Page) -> None:
        assert listed(page) == ["Dana Developer dana@contoso.com", "Ada ada@contoso.com"]
        sign_in(page, "Ada", "pw")
        press(page, "Yes")
        press(page, "Accept")

    def second_visit(page: Page) -> None:
        assert listed(page)[1] == "Ada ada@contoso.com \u2013 signed in"
        press(page, "Ada")

    for person in (first_visit, second_visit):
        window.open(shop.url)
        window.do(person)
    assert shop.visitors == ["Ada", "Ada"]


def test_another_account(entra: Entra, window: Window, shop: Shop) -> None:
    """One that is not there is complained of beside the field, which keeps what was typed."""

    def person(page: Page) -> None:
        page.get_by_label("Another account").fill("nobody@contoso.com")
        press(page, "Next")
        field = page.get_by_label("Another account")
        assert "AADSTS50034" in page.get_by_role("alert").inner_text()
        assert field.input_value() == "nobody@contoso.com"
        assert field.get_attribute("aria-describedby") == page.get_by_role("alert").get_attribute("id")

    window.open(shop.url)
    window.do(person)


def test_a_wrong_password(entra: Entra, window: Window, shop: Shop) -> None:
    """The page says so, forgets it, and takes the right one."""

    def person(page: Page) -> None:
        sign_in(page, entra.user.name, "wrong")
        assert "AADSTS50126" in page.get_by_role("alert").inner_text()
        field = page.get_by_label("Password")
        assert field.input_value() == ""
        assert field.get_attribute("aria-describedby") == page.get_by_role("alert").get_attribute("id")
        assert page.evaluate("document.activeElement.id") == "password"
        page.keyboard.type(entra.user.password)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert heading(page) == "Stay signed in?"

    window.open(shop.url)
    window.do(person)


@pytest.mark.parametrize(("answer", "stays"), [("Yes", True), ("No", False)])
def test_staying_signed_in(entra: Entra, window: Window, shop: Shop, answer: str, stays: bool) -> None:
    """Decides whether the session outlives the browser; its cookie is for no script and no unencrypted request."""

    def person(page: Page) -> None:
        sign_in(page, entra.user.name, entra.user.password)
        press(page, answer)
        [cookie] = [one for one in page.context.cookies() if one.get("name") == "ESTSAUTH"]
        assert (cookie["expires"] > 0) is stays
        assert (cookie["httpOnly"], cookie["secure"]) == (True, True)
        assert page.evaluate("document.cookie") == ""

    window.open(shop.url)
    window.do(person)


def test_a_user_who_may_not(entra: Entra, window: Window, shop: Shop) -> None:
    """The error page gives the reason and leads back to the app, which learns it, too."""
    entra.emulators.directory.add(
        ConditionalAccessPolicy(name="nobody", tenant_id=contoso.TENANT.id, built_in_controls=("block",))
    )

    def person(page: Page) -> None:
        sign_in(page, entra.user.name, entra.user.password)
        assert heading(page) == "Sorry, but we're having trouble signing you in"
        assert "AADSTS53003" in page.get_by_role("alert").inner_text()
        press(page, "Return to the app")
        page.get_by_text("Hello access_denied").wait_for()

    window.open(shop.url)
    window.do(person)


def test_an_address_that_is_not_the_apps(entra: Entra, window: Window) -> None:
    """The error page has no way on, wherever the request wanted to go."""
    window.open(
        f"{AUTHORITY}/common/oauth2/v2.0/authorize?client_id={entra.cli.client_id}&response_type=code&scope=openid"
        "&redirect_uri=https://elsewhere.example/"
    )

    def person(page: Page) -> None:
        assert "AADSTS50011" in page.get_by_role("alert").inner_text()
        assert page.get_by_role("button").count() == 0

    window.do(person)
    assert window.hosts == {"login.microsoftonline.com"}


def test_on_a_small_screen(entra: Entra, window: Window, shop: Shop) -> None:
    """A page is as wide as the screen, however long the names."""
    name = entra.add_user("a" * 80).principal_name

    def person(page: Page) -> None:
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        press(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") == 320

    window.open(shop.url)
    window.do(person)
