"""What axe-core finds missing in the pages of Sphinx and furo: names of regions, levels of headings, and the keyboard.

The pages are rewritten when they are built, since the theme has no place for any of this.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

_REWRITES = (
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="Pages">'),
    ('<aside class="toc-drawer', '<aside aria-label="On this page" class="toc-drawer'),
    (
        '<div class="content-icon-container">',
        '<div class="content-icon-container" role="navigation" aria-label="This page">',
    ),
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ("<pre>", '<pre tabindex="0">'),  # so that the keyboard can scroll it, too
)
# The parameters of a long signature, which Sphinx writes as a list of definitions without terms.
_PARAMETERS = re.compile(r"<dl>\s*((?:<dd>(?:(?!</?d[dlt]\b).)*</dd>\s*)+)</dl>", re.DOTALL)


def setup(app: Sphinx) -> dict[str, bool]:
    """Rewrite the pages that have been written."""
    app.connect("build-finished", _rewrite)
    return {"parallel_read_safe": True}


def _rewrite(app: Sphinx, error: Exception | None) -> None:
    if error:
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        accessible = rewritten(text)
        if accessible != text:
            path.write_text(accessible, encoding="utf-8")


def rewritten(text: str) -> str:
    """Return a page as everybody can use it; one that is so already stays as it is."""
    for found, better in _REWRITES:
        text = text.replace(found, better)
    return _PARAMETERS.sub(_as_divisions, text)


def _as_divisions(match: re.Match[str]) -> str:
    inner = match[1].replace("<dd>", "<div>").replace("</dd>", "</div>")
    return f'<div class="sig-parameters">{inner}</div>'
