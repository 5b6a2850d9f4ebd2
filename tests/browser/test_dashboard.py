"""The page of a server in a real browser."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from support.axe import axe_script, violations
from support.chromium import Chromium
from support.standalone import managed_identity_token

from azcred_emulators.faults import Status
from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.server import StandaloneServer


@pytest.fixture
def server() -> Iterator[StandaloneServer]:
    """A server of its own, which the browser reaches on loopback."""
    with StandaloneServer(Configuration()) as server:
        yield server


@pytest.fixture
def complaints() -> list[str]:
    """What the browser says on its console."""
    return []


@pytest.fixture
def page(chromium: Chromium, server: StandaloneServer, complaints: list[str]) -> Iterator[Page]:
    """The server's page, which must break none of its own rules. It belongs to the browser's thread."""

    def start() -> Page:
        page = chromium.context().new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server.main.emulators.http.url}/")
        return page

    page = chromium.run(start)
    yield page
    chromium.run(page.context.close)
    assert complaints == []


def test_the_timeline_is_live(chromium: Chromium, page: Page, server: StandaloneServer) -> None:
    """A request shows up without a reload, and what a person has opened stays open."""
    url = server.main.emulators.http.url

    def open_the_first() -> str:
        page.get_by_text("Nobody has asked for anything yet.").wait_for()
        managed_identity_token(url)
        page.get_by_text("token", exact=True).click()
        return str(page.locator("dl.claims").inner_text())

    assert "https://vault.azure.net" in chromium.run(open_the_first)

    def see_the_second() -> tuple[int, bool]:
        managed_identity_token(url)
        page.locator("td.number", has_text="2").wait_for()
        return page.locator("td.number").count(), page.locator("#claims-1 dl").is_visible()

    assert chromium.run(see_the_second) == (2, True)


def test_buttons_do_what_they_say(chromium: Chromium, page: Page, server: StandaloneServer) -> None:
    """The environment, the clock and the faults of the server change."""
    emulators = server.main.emulators
    before = emulators.clock.now()

    def press() -> None:
        page.get_by_label("Environment").select_option("app-service")
        page.get_by_role("button", name="Put it there").click()
        page.get_by_text("a web app on App Service").wait_for()
        page.get_by_role("button", name="+ 25 hours").click()
        page.get_by_label("The next requests to").select_option("imds")
        page.get_by_label("meet").select_option("500 Internal Server Error")
        page.get_by_label("how often").fill("2")
        page.get_by_role("button", name="Switch on").click()
        page.get_by_text("Status(500)").first.wait_for()

    chromium.run(press)
    assert [environment.name for environment in emulators.environments] == ["app-service"]
    assert emulators.clock.now() - before > 24 * 3600
    assert len(emulators.faults_of("imds").unspent) == 2

    def undo() -> None:
        page.get_by_role("button", name="Forget them").click()
        page.get_by_text("Status(500)").first.wait_for(state="detached")
        page.get_by_role("button", name="reset").click()

    chromium.run(undo)
    assert not emulators.faults_of("imds")


def test_it_needs_nothing_from_elsewhere(chromium: Chromium, page: Page, server: StandaloneServer) -> None:
    """Every request that the page makes is to the server itself."""
    asked: list[str] = []

    def reload() -> None:
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        threading.Thread(target=managed_identity_token, args=(server.main.emulators.http.url,)).start()
        page.locator("td.number").wait_for()

    chromium.run(reload)
    assert asked
    assert all(url.startswith((server.main.emulators.http.url, "data:")) for url in asked)


def test_everybody_can_use_it(chromium: Chromium, page: Page, server: StandaloneServer) -> None:
    """axe-core finds nothing, by day and at night, with a fault added and the claims of a token open."""
    script = axe_script()
    server.main.emulators.faults_of("imds").add(Status(500), nth=2)
    managed_identity_token(server.main.emulators.http.url)

    def look() -> list[str]:
        page.emulate_media(color_scheme="light")
        page.reload()
        page.get_by_text("token", exact=True).click()
        found = violations(page, script)
        page.emulate_media(color_scheme="dark")
        return found + violations(page, script)

    assert chromium.run(look) == []


def test_it_can_be_read_on_a_telephone_and_at_night(chromium: Chromium, page: Page, server: StandaloneServer) -> None:
    """Nothing is wider than the window but the table, which scrolls by itself."""
    managed_identity_token(server.main.emulators.http.url)

    def width() -> int:
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 800})
        page.reload()
        return int(page.evaluate("document.documentElement.scrollWidth"))

    assert chromium.run(width) <= 390
