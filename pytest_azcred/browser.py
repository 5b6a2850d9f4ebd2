"""A person at a browser, for tests that run without one: opens the sign-in pages and fills them in.

What is replaced is Python's `webbrowser`, never an SDK. The pages are fetched over HTTP, as a browser does, and every
form that is sent is one that a page had.
"""

import http.client
import re
import ssl
import threading
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from azcred_emulators.clouds import cloud_of
from azcred_emulators.directory import Directory, User, identifiers
from pytest_azcred.redirect.patching import Patches

DEVICE_LOGIN = "https://microsoft.com/devicelogin"
_PATIENCE = 20.0  # real seconds for each request
_MOST_PAGES = 20
_SECRET = ("state", "nonce", "code_challenge", "login_hint", "claims", "client_secret")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_USER_CODE = re.compile(r"\b[BCDFGHJKLMNPQRSTVWXZ2456789]{9}\b")
_REDIRECTS = (301, 302, 303, 307)
_UNREACHED = (OSError, http.client.HTTPException)  # what a request that gets no answer raises


@dataclass(frozen=True, slots=True)
class Person:
    """The person who signs in. `user` is a principal name or object id; the default password is the directory's."""

    user: str = identifiers.USER_ID
    password: str | None = field(default=None, repr=False)
    mfa: bool = True
    consent: bool = True


@dataclass(slots=True)
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Page(HTMLParser):
    """The forms of a page, and its error message."""

    def __init__(self, url: str, html: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[_Form] = []
        self.alert = ""
        self._alerting = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._alerting = attributes.get("role") == "alert"
        if tag == "form":
            self.forms.append(_Form(urljoin(self.url, attributes.get("action", ""))))
        elif tag == "input" and self.forms and "name" in attributes:
            self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._alerting = False

    def handle_data(self, data: str) -> None:
        if self._alerting:
            self.alert += data


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a window came to: a URL to open there, or one to send a form to."""

    url: str
    form: Mapping[str, str] | None = field(default=None, repr=False)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but leaves one to where a window stops as it is."""

    def __init__(self, stops_at: Callable[[str], bool]) -> None:
        self._stops_at = stops_at

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        if self._stops_at(urljoin(req.full_url, headers.get("Location", ""))):
            return fp
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_302


class Visit:
    """One window: follows pages until the app or the device has its answer. `problem` is the last error message.

    A URL that `stops_at` is true of is not opened: it becomes the `arrival`, and the visit is over.
    """

    def __init__(
        self, directory: Directory, person: Person | None, stops_at: Callable[[str], bool] = lambda url: False
    ) -> None:
        self._directory = directory
        self._person = person  # None: the person cancels
        self._stops_at = stops_at
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=_tls()),
            urllib.request.HTTPCookieProcessor(CookieJar()),
            _Redirects(stops_at),
        )
        self.problem: str = ""
        self.arrival: Arrival | None = None

    def follow(self, url: str, device_code: str = "") -> None:
        """Open a URL and answer the pages."""
        page = self._fetch(url)
        for _ in range(_MOST_PAGES):
            with_username = [form for form in page.forms if "username" in form.fields]
            form = next(iter(with_username or page.forms), None)
            self.problem = page.alert or self.problem
            if form is None:
                return
            step = form.fields.get("step")
            if step is None:  # the way back to the app, which may be gone
                self._fetch(form.action, form.fields)
                return
            if step == "code":
                if page.alert:
                    return
                form.fields["otc"] = device_code
            else:
                form.fields.update(self._answer(step, page.alert))
            page = self._fetch(form.action, form.fields)

    def _answer(self, step: str, alert: str) -> Mapping[str, str]:
        """Return what the person types in and which button they press; they give up when a page complains."""
        if step == "return":
            return {"answer": "return"}
        if self._person is None or alert:
            return {"answer": "cancel"}
        user = self._directory.user(self._person.user)
        typed = self._person.password
        match step:
            case "account":
                return {"username": user.principal_name if user else self._person.user, "answer": "next"}
            case "password":
                return {"password": (user.password if user else "") if typed is None else typed, "answer": "next"}
            case "mfa":
                return {"answer": "approve" if self._person.mfa else "cancel"}
            case "consent":
                return {"answer": "accept" if self._person.consent else "cancel"}
            case "confirm":
                return {"answer": "continue"}
        return {"answer": "no"}

    def _fetch(self, url: str, form: Mapping[str, str] | None = None) -> _Page:
        if self._stops_at(url):
            self.arrival = Arrival(url, form)
            return _Page(url, "")
        body = urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(url, body)  # noqa: S310  # apps' URLs, and `open` refuses other schemes
        try:
            with self._opener.open(request, timeout=_PATIENCE) as response:
                if response.status in _REDIRECTS:  # not followed
                    return self._fetch(urljoin(response.geturl(), response.headers["Location"]))
                return _Page(response.geturl(), response.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            with error:
                return _Page(error.geturl() or url, error.read().decode("utf-8", "replace"))


@cache
def _tls() -> ssl.SSLContext:
    """Return what every window connects with; to read the machine's certificates takes some 20 ms."""
    return ssl.create_default_context()


class FakeBrowser(webbrowser.BaseBrowser):
    """The browser that `webbrowser` opens during a test. By default it signs in the first user of the directory.

    `opened` lists the URLs that were opened, without their secrets. `problems` lists the error messages of pages at
    which the user gave up, such as the message for a wrong password.
    """

    def __init__(self, directory: Directory) -> None:
        super().__init__("azcred")
        self._directory = directory
        self._threads: list[threading.Thread] = []
        self._person: Person | None = Person()
        self._ignores = False
        self.opened: list[str] = []
        self.problems: list[str] = []

    def sign_in(
        self, user: User | str | None = None, *, password: str | None = None, mfa: bool = True, consent: bool = True
    ) -> None:
        """Sign this user in from now on.

        :param user: a user, or their principal name or object id; by default the first user.
        :param password: what the user types; by default the password that the directory has.
        :param mfa: False if the user denies the second factor.
        :param consent: False if the user denies what the app asks for.
        """
        name = user.object_id if isinstance(user, User) else user or identifiers.USER_ID
        self._person, self._ignores = Person(name, password, mfa, consent), False

    def cancel(self) -> None:
        """Press Cancel on the first page from now on."""
        self._person, self._ignores = None, False

    def ignore(self) -> None:
        """From now on, open windows but do nothing in them, until the app stops waiting."""
        self._ignores = True

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        """Open a URL and return at once, as `webbrowser.open` does. The user continues in a thread.

        :param url: the page.
        :param new: not used, as with some real browsers.
        :param autoraise: not used.
        :return: True.
        """
        self.opened.append(_without_secrets(url))
        if not self._ignores and _is_sign_in(url):
            visit = Visit(self._directory, self._person)
            thread = threading.Thread(target=self._follow, args=(visit, url), name="azcred-browser", daemon=True)
            self._threads.append(thread)
            thread.start()
        return True

    def wait(self) -> None:
        """Wait until the user has finished in every window."""
        for thread in self._threads:
            thread.join()

    def _follow(self, visit: Visit, url: str) -> None:
        try:
            visit.follow(url)
        except _UNREACHED as error:  # an app that no longer listens, or an address outside
            visit.problem = visit.problem or f"{type(error).__name__}: {error}"
        if visit.problem:
            self.problems.append(visit.problem)


def install_browser(directory: Directory, patches: Patches) -> FakeBrowser:
    """Return a browser that takes the place of every browser that Python knows, until the patches are undone."""
    browser = FakeBrowser(directory)
    patches.replace(webbrowser, "get", lambda using=None: browser)
    patches.replace(webbrowser, "_tryorder", ["azcred"])  # for apps that hold the real `open`
    for name in ("open", "open_new", "open_new_tab"):
        patches.replace(webbrowser, name, getattr(browser, name))
    patches.afterwards(browser.wait)
    return browser


class DeviceLogin:
    """A person who types in a device code: `fake_device_login(code, user=..., decline=False)`."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __call__(self, code: str, user: User | str | None = None, *, decline: bool = False) -> None:
        """Type in a device code, and sign the user in, or decline.

        :param code: the code, or the message that shows it.
        :param user: a user, or their principal name or object id; by default the first user.
        :param decline: True to decline.
        :raises AssertionError: a page shows an error; the message has it.
        """
        match = _USER_CODE.search(code)
        name = user.object_id if isinstance(user, User) else user or identifiers.USER_ID
        visit = Visit(self._directory, None if decline else Person(name))
        visit.follow(DEVICE_LOGIN, match.group() if match else code)
        if visit.problem:
            raise AssertionError(f"azcred: nobody could sign in for the device: {visit.problem}")


def _is_sign_in(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and (cloud_of(host) is not None or host in _LOOPBACK)


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    query = [(name, "..." if name in _SECRET else value) for name, value in parse_qsl(parts.query)]
    return parts._replace(query=urlencode(query)).geturl()
