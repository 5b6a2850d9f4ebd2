"""Sign-in to a web app that answers in process: from where the app sends its user to what comes back to the app.

The person of `browser` walks the pages and stops before the app's own address, where no server listens.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urldefrag, urlsplit

from azcred_emulators.clouds import cloud_of
from azcred_emulators.directory import Directory, User, identifiers
from pytest_azcred.browser import Person, Visit

_AUTHORIZE = re.compile(r"/[^/]+/oauth2/(v2\.0/)?authorize")
_CODE = re.compile(r"AADSTS\d+")


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """What a browser brings back to an app: `client.get(back.url)`, or `client.post(back.url, data=back.data)`.

    :param url: the URL of the app that the browser opens.
    :param method: "POST" if the app asked for the response mode "form_post", else "GET".
    :param data: the fields of the form, for "POST".
    """

    url: str
    method: str = "GET"
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters for the app, such as `code` and `state`, or `error`, in any response mode."""
        parts = urlsplit(self.url)
        return {**dict(parse_qsl(parts.query)), **dict(parse_qsl(parts.fragment)), **self.data}


class SignInError(Exception):
    """The sign-in ended on an error page.

    `problem` is its text, and `code` its "AADSTS..." code, "" if it has none. `response` is what the app receives if
    the user goes back to it from there; None if the page has no way back.
    """

    def __init__(self, problem: str, response: AuthorizationResponse | None) -> None:
        super().__init__(problem, response)
        self.problem = problem
        self.response = response

    @property
    def code(self) -> str:
        """The error code of the page."""
        match = _CODE.search(self.problem)
        return match.group() if match else ""

    def __str__(self) -> str:
        return f"azcred: nobody could sign in: {self.problem}"


def sign_in(
    url: str,
    directory: Directory,
    user: User | str | None = None,
    *,
    password: str | None = None,
    mfa: bool = True,
    consent: bool = True,
) -> AuthorizationResponse:
    """Walk the pages from the URL of an app's authorization request until they lead back to the app.

    Raises ValueError if the URL is no such request, LookupError if the directory has no such user, and SignInError
    for an error page.
    """
    url = str(url)  # some clients have a class for it
    parts = urlsplit(url)
    if parts.scheme != "https" or cloud_of(parts.hostname or "") is None or not _AUTHORIZE.fullmatch(parts.path):
        raise ValueError(
            "sign_in() takes the URL to which the app sends its user to sign in, such as "
            f"'https://login.microsoftonline.com/TENANT/oauth2/v2.0/authorize?...', not {url!r}"
        )
    person = Person(_find(directory, user or identifiers.USER_ID).object_id, password, mfa, consent)
    visit = Visit(directory, person, _is_app(url))
    visit.follow(url)
    arrival, response = visit.arrival, None
    if arrival is not None:
        response = AuthorizationResponse(arrival.url, "GET" if arrival.form is None else "POST", arrival.form or {})
    if visit.problem or response is None:
        raise SignInError(visit.problem or "the last page has no way back to the app.", response)
    return response


def _find(directory: Directory, user: User | str) -> User:
    name = user.object_id if isinstance(user, User) else user
    found = directory.user(name)
    if found is None:
        names = [known.principal_name for known in directory.users()]
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
        raise LookupError(f"the directory has no user {name!r}; {hint}")
    return found


def _is_app(authorize: str) -> Callable[[str], bool]:
    """Return whether a URL is where the answer to an authorization request goes."""
    redirect_uri = dict(parse_qsl(urlsplit(authorize).query)).get("redirect_uri")
    if redirect_uri is None:  # then the first that the app has registered
        return lambda url: cloud_of(urlsplit(url).hostname or "") is None
    return lambda url: _page(url) == _page(redirect_uri)


def _page(url: str) -> str:
    return urldefrag(url).url.partition("?")[0]
