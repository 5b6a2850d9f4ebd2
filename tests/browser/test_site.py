"""The documentation site in a real browser."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page
from support.axe import axe_script, violations
from support.chromium import Chromium
from support.site import shared_site

WIDE = ("index", "environments", "reference/plugin")
NARROW = ("index", "ci", "reference/command-line", "troubleshooting")


def test_everybody_can_read_it(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> None:
    """axe-core finds nothing on main pages, wide and light or narrow and dark; nothing is wider than the window."""
    script = axe_script()
    site = shared_site(tmp_path_factory)
    asked: list[str] = []

    def read(page: Page, name: str) -> list[str]:
        page.goto((site / f"{name}.html").as_uri())
        width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        cut: list[str] = page.evaluate(
            "[...document.querySelectorAll('.table-wrapper')].filter(one => one.scrollWidth > one.clientWidth)"
            ".map(one => one.innerText.slice(0, 80))"
        )
        return [*violations(page, script), *(["wider than the window"] if width > 0 else []), *cut]

    def visit(names: Sequence[str], width: int, scheme: str) -> dict[str, list[str]]:
        context = chromium.context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        found = {name: wrong for name in names if (wrong := read(page, name))}
        context.close()
        return found

    assert chromium.submit(visit, WIDE, 1280, "light").result(60) == {}
    assert chromium.submit(visit, NARROW, 400, "dark").result(60) == {}
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_it_can_be_searched(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Words lead to the pages that hold them."""
    site = shared_site(tmp_path_factory)

    def search() -> list[str]:
        page = chromium.context().new_page()
        page.goto((site / "search.html").as_uri() + "?q=throttled")
        page.locator("ul.search li").first.wait_for()
        found: list[str] = page.locator("ul.search li > a").all_inner_texts()
        page.context.close()
        return found

    assert any("Faults" in title for title in chromium.run(search))
