"""Debian's Chromium, driven by Playwright, for people who sign in on the token service's pages.

Every name that the pages may come from leads to the emulators and every other one nowhere, so that no connection
leaves the machine; TLS is checked against the key of the run's own certificate authority.
"""

import base64
import hashlib
import shutil
import webbrowser
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, sync_playwright

from azcred_emulators.clouds import DEVICE_LOGIN_HOST, PUBLIC
from azcred_emulators.emulators import Emulators

PATIENCE = 20.0  # seconds for whatever a person does
_NAMES = ("chromium", "google-chrome", "chromium-browser")
_Found = TypeVar("_Found")


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, None if there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Chromium:
    """One browser. Playwright belongs to the thread that starts it, so everything happens on a thread of its own."""

    def __init__(self, executable: str, emulators: Emulators) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chromium")
        self._playwright: Playwright
        self._browser: Browser
        self.run(self._start, executable, emulators)

    def _start(self, executable: str, emulators: Emulators) -> None:
        host, port = emulators.https.address
        names = (*PUBLIC.aliases, DEVICE_LOGIN_HOST)
        rules = [
            *(f"MAP {name} {host}:{port}" for name in names),
            "EXCLUDE localhost",
            "EXCLUDE 127.0.0.1",
            "MAP * ~NOTFOUND",
        ]
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",  # which Chromium refuses to do without as root otherwise
                f"--host-resolver-rules={','.join(rules)}",
                f"--ignore-certificate-errors-spki-list={_key_hash(emulators.certificate_authority.pem)}",
            ],
        )

    def submit(self, function: Callable[..., _Found], *arguments: Any) -> "Future[_Found]":
        """Call a function on Playwright's thread and return at once."""
        return self._thread.submit(function, *arguments)

    def run(self, function: Callable[..., _Found], *arguments: Any) -> _Found:
        """Call a function on Playwright's thread and return what it does."""
        return self.submit(function, *arguments).result(PATIENCE)

    def context(self, **options: Any) -> BrowserContext:
        """Return a new profile, without cookies."""
        return self._browser.new_context(**options)

    def close(self) -> None:
        """Close the browser."""
        self.run(self._browser.close)
        self.run(self._playwright.stop)
        self._thread.shutdown()


Person = Callable[[Page], object]


class Window(webbrowser.BaseBrowser):
    """A window in a profile of its own, and as such a browser for `webbrowser`, in which a person does their part.

    `hosts` are all that anything was asked of, `complaints` what Chromium said on its console.
    """

    def __init__(self, chromium: Chromium, person: Person | None = None) -> None:
        super().__init__("chromium")
        self._chromium = chromium
        self._doing: Future[object] | None = None
        self.person = person
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self._page: Page = chromium.run(self._new_page)

    def _new_page(self) -> Page:
        page = self._chromium.context().new_page()
        page.set_default_timeout(PATIENCE * 750)  # milliseconds, so that what it waits for is told
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.route("**/favicon.ico", _no_icon)  # Chromium asks every host for one
        return page

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        """Show a URL, as `webbrowser.open` does: at once, while the person does their part."""
        self._doing = self._chromium.submit(self._visit, url)
        return True

    def _visit(self, url: str) -> None:
        self._page.goto(url)
        if self.person:
            self.person(self._page)

    def wait(self) -> None:
        """Wait until the person has done their part; raises what went wrong with it."""
        if self._doing:
            self._doing.result(PATIENCE)

    def do(self, person: Callable[[Page], _Found]) -> _Found:
        """Let the person do something and return what comes of it."""
        return self._chromium.run(person, self._page)

    def close(self) -> None:
        """Close the window and forget its profile."""
        self._chromium.run(self._page.context.close)


def _no_icon(route: Route) -> None:
    route.abort()


def _key_hash(pem: str) -> str:
    """Return the hash of a certificate's public key, as Chromium wants it."""
    public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    return base64.b64encode(
        hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()
