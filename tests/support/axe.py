"""axe-core, the checker of accessibility that browsers' own tools are made of, in a page that Playwright shows."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

_SCRIPT = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def axe_script() -> str:
    """Return the source of axe-core; skips the test without it."""
    if not _SCRIPT.exists():
        pytest.skip("axe-core is not installed; run: npm ci")
    return _SCRIPT.read_text(encoding="utf-8")


def violations(page: Page, script: str) -> list[str]:
    """Return what axe-core finds wrong with the page as it is shown: the rule, and the element that breaks it."""
    page.evaluate(script)
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{violation['id']}: {violation['help']}: {node['html']} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]
