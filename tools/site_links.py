"""The links of pages that are also read elsewhere: README.md on PyPI, SECURITY.md and docs/*.md in the repository."""

import re

from sphinx.application import Sphinx

SITE = "https://pytest-azcred.readthedocs.io/en/latest/"
REPOSITORY = "https://github.com/pytest-azcred/pytest-azcred/blob/main/"

# Files of the repository's root that are pages of the site, too.
_PAGES = {"README.md": "index.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
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
        path = path.removeprefix(SITE).replace(".html", ".md") or "index.md"
    elif path.startswith(REPOSITORY):
        name = path.removeprefix(REPOSITORY)
        path = _PAGES.get(name, path)
    elif path.startswith("../"):
        name = path.removeprefix("../")
        path = _PAGES.get(name, REPOSITORY + name)
    elif path.startswith("docs/"):  # in SECURITY.md
        path = path.removeprefix("docs/")
    return f"{path}#{anchor}" if anchor else path
