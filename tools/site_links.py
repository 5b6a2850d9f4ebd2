"""The links of pages that are also read elsewhere: README.md on PyPI, SECURITY.md and docs/*.md in the repository."""

import re
from pathlib import Path

from sphinx.application import Sphinx

SITE = "https://pytest-azcred.readthedocs.io/en/latest/"
REPOSITORY = "https://github.com/pytest-azcred/pytest-azcred/blob/main/"

_ROOT = Path(__file__).resolve().parents[1]
_DOCS = _ROOT / "docs"
# Files of the repository's root that are pages of the site, too.
_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def setup(app: Sphinx) -> dict[str, bool]:
    """Rewrite the links of each page, and of each that is included in one."""
    app.connect("source-read", lambda _app, _page, source: _rewrite(source))
    app.connect("include-read", lambda _app, _path, _page, source: _rewrite(source))
    return {"parallel_read_safe": True}


def _rewrite(source: list[str]) -> None:
    source[0] = _LINK.sub(lambda link: f"]({on_the_site(link[1])})", source[0])


def on_the_site(target: str) -> str:
    """Return a link as the site has it: to its own pages from within, to other files in the repository.

    A link to the site becomes one to its page's source, which Sphinx checks and resolves; so does one to a file of
    the repository that the site has as a page.
    """
    path, _, anchor = target.partition("#")
    if path.startswith(SITE):
        page = path.removeprefix(SITE).removesuffix(".html") or "index"
        path = f"{page}.rst" if (_DOCS / f"{page}.rst").exists() else f"{page}.md"
    elif path.startswith(REPOSITORY):
        path = _PAGES.get(path.removeprefix(REPOSITORY), path)
    else:
        name = path.removeprefix("../").removeprefix("docs/")
        if name in _PAGES:
            path = _PAGES[name]
        elif path.startswith("docs/"):  # in a file of the root
            path = name
        elif not (_DOCS / name).exists() and (_ROOT / name).exists():
            path = REPOSITORY + name
    return f"{path}#{anchor}" if anchor else path
