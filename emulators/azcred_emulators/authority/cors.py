"""Requests by scripts of web pages: a single-page app redeems its codes itself, and no other app may (CORS).

Source: the Fetch standard; "Redirect URI (reply URL) best practices and limitations"; MSAL.js as a client.
"""

from urllib.parse import SplitResult

from werkzeug.wrappers import Response

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.redirect_uris import LOOPBACK
from azcred_emulators.directory import Application, Directory
from azcred_emulators.emulation.request import Request
from azcred_emulators.serving.urls import split_url

EVERYBODY = {"Access-Control-Allow-Origin": "*"}  # of documents that anybody may read


def check(origin: str, client: Application) -> None:
    """Raise EntraError unless the page that sends a request belongs to the client, as a single-page app."""
    if not _is_own(origin, client):
        raise EntraError(9002326, address=origin)


def preflight(request: Request, directory: Directory) -> Response:
    """Answer a browser that asks whether a page may send a request for a token.

    It does not say which client will be the page's, so a page of any single-page app will do.
    """
    headers = {"Allow": "POST, OPTIONS"}
    origin = request.headers.get("Origin", "")
    if any(_is_own(origin, application) for application in directory.applications()):
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST, OPTIONS",
            "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", ""),
            "Access-Control-Max-Age": "86400",
            "Vary": "Origin",
        }
    return Response(status=200, headers=headers)


def allow(response: Response, origin: str, client: object) -> Response:
    """Let the page that sent a request for a token read the answer, refusals included, if it is the client's."""
    if isinstance(client, Application) and _is_own(origin, client):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
    return response


def _is_own(origin: str, client: Application) -> bool:
    page = split_url(origin)
    return bool(page.hostname) and any(_is_of(page, split_url(address)) for address in client.spa_redirect_uris)


def _is_of(page: SplitResult, address: SplitResult) -> bool:
    """Compare the origin of a page with that of a redirect URI, for which the port of loopback does not matter."""
    if (page.scheme, page.hostname) != (address.scheme, address.hostname):
        return False
    return page.port == address.port or (page.scheme == "http" and page.hostname in LOOPBACK)
