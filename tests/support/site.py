"""The documentation site, built as `make docs` builds it, and what its pages hold."""

import fcntl
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build_site(folder: Path) -> Path:
    """Build the site in a folder, and return where it is. A warning of Sphinx is an error, and is shown."""
    command = ["-m", "sphinx", "--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "--doctree-dir"]
    result = subprocess.run(
        [sys.executable, *command, folder / "doctrees", ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "html"


def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, which the workers of a run build once."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        site = folder / "site" / "html"
        return site if (site / "objects.inv").exists() else build_site(folder / "site")


class SitePage(HTMLParser):
    """One page: its anchors, its links, and what a browser loads to show it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the anchors and addresses of an element."""
        values = {name: value for name, value in attrs if value}
        self.anchors.update(value for name, value in values.items() if name == "id")
        if tag == "a":
            self.links.update(value for name, value in values.items() if name == "href")
        else:  # link, script, img, source, iframe ...
            self.loaded.update(value for name, value in values.items() if name in ("href", "src", "srcset", "data"))
