"""The documentation site: whole, self-contained, and without a public name left out."""

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import site_links
from sphinx.util.inventory import InventoryFile
from support.site import ROOT, SitePage, shared_site

pytestmark = pytest.mark.slow

PACKAGES = (
    "pytest_azcred",
    "pytest_azcred.credentials",
    "pytest_azcred.credentials.aio",
    "azcred_emulators.directory",
    "azcred_emulators.faults",
)
# Of these, tests use some methods only; the others are for the emulators.
_HANDED_OUT = {
    "Authority": ("authorize", "sign_in"),
    "Azurite": ("clear", "connection_string", "contents", "forbid", "revoke"),
    "Emulators": (),
    "Executable": ("sign_in", "sign_out"),
    "Executables": ("install", "uninstall", "variables"),
    "Faults": ("add", "clear"),
    "ProtectedResource": ("allow", "answer", "challenge", "fill", "revoke", "websocket"),
    "environment": (),
}


@pytest.mark.slow
@pytest.mark.timeout(300)  # on a busy machine
def test_the_site(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It builds without a warning, every link has its target, nothing is loaded from elsewhere, no name is missing."""
    site = shared_site(tmp_path_factory)
    pages = {path: SitePage(path) for path in site.rglob("*.html")}
    assert list(broken_links(pages)) == []
    assert {address for page in pages.values() for address in page.loaded if urlsplit(address).netloc} == set()
    for style in site.rglob("*.css"):
        assert re.findall(r"""(?:@import|url\()\s*["']?(?:https?:)?//[^)"']*""", style.read_text()) == [], style
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    documented = {name for kind in inventory.data if kind.startswith("py:") for name in inventory.data[kind]}
    assert set(public_names()) - documented == set()


def broken_links(pages: dict[Path, SitePage]) -> Iterator[str]:
    """Yield the links between pages that lead nowhere, anchors included."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in pages[target].anchors):
                yield f"{path.name}: {link}"


def public_names() -> Iterator[str]:
    """Yield the name of every public object, and of what the plugin's own hand out."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        names = getattr(package, "__all__", None) or [
            name for name, value in vars(package).items() if inspect.isclass(value)
        ]
        for public in names:
            yield f"{name}.{public}"
    for handed_out in ("Azcred", "Clock", "Journal", "Place", "Waits", "Azurite"):
        for member in vars(getattr(importlib.import_module("pytest_azcred"), handed_out)):
            if not member.startswith("_"):
                yield f"pytest_azcred.{handed_out}.{member}"


def test_public_docstrings_have_one_form() -> None:
    """Sphinx's fields: each parameter has one, and errors stand in none but `:raises`."""
    for name, documented in documented_objects():
        docstring = inspect.getdoc(documented) or ""
        assert not re.search(r"\bRaises [`A-Z]|^(Args|Returns|Raises):", docstring, re.MULTILINE), name
        if inspect.isclass(documented) and ":param" not in docstring:
            continue  # its objects are handed out
        described = set(re.findall(r":(?:param|keyword) \*{0,2}(\w+):", docstring))
        parameters = inspect.signature(documented).parameters.values()
        names = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD} - {"self", "_", "cls"}
        assert names <= described, f"{name}: {names - described}"


def documented_objects() -> Iterator[tuple[str, Any]]:
    """Yield the public classes and functions, and the public methods of classes, with their names."""
    for name in public_names():
        module, _, attribute = name.rpartition(".")
        if module not in PACKAGES or module.endswith(".aio"):  # its classes take what their namesakes take
            continue
        value = getattr(importlib.import_module(module), attribute)
        if inspect.isclass(value) and value.__module__.startswith(("pytest_azcred", "azcred_emulators")):
            if not issubclass(value, enum.Enum):
                yield name, value
            methods = () if module == "azcred_emulators.faults" else vars(value)
            shown = _HANDED_OUT.get(attribute, [method for method in methods if not method.startswith("_")])
            for method, function in vars(value).items():
                if inspect.isfunction(function) and method in shown:
                    yield f"{name}.{method}", function
        elif inspect.isfunction(value):
            yield name, value


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("https://pytest-azcred.readthedocs.io/en/latest/ci.html#configuration", "ci.md#configuration"),
        ("https://pytest-azcred.readthedocs.io/en/latest/", "index.md"),
        ("https://pytest-azcred.readthedocs.io/en/latest/reference/plugin.html", "reference/plugin.rst"),
        ("https://github.com/pytest-azcred/pytest-azcred/blob/main/SECURITY.md", "security.md"),
        ("../SECURITY.md", "security.md"),
        ("docs/ci.md", "ci.md"),
        ("ci.md#configuration", "ci.md#configuration"),
        ("../standalone.md", "../standalone.md"),
        ("LICENSE", "https://github.com/pytest-azcred/pytest-azcred/blob/main/LICENSE"),
        ("../examples/README.md", "https://github.com/pytest-azcred/pytest-azcred/blob/main/examples/README.md"),
        ("https://example.com/ci.html", "https://example.com/ci.html"),
    ],
)
def test_links_are_the_sites_own(link: str, page: str) -> None:
    """A page that PyPI or the repository shows, too, has links for those, which lead to the same pages here."""
    assert site_links.on_the_site(link) == page


def test_the_readme_has_links_for_pypi() -> None:
    """PyPI shows it far from the repository: every link is absolute, and each to the site or the repository exists."""
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text())
    assert links
    for link in links:
        assert urlsplit(link).scheme == "https", link
        if link.startswith(site_links.REPOSITORY):
            assert (ROOT / link.removeprefix(site_links.REPOSITORY)).exists(), link
