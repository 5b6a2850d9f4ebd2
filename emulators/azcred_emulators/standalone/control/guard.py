"""Who may control a server: processes of this machine and holders of the key, but no web page of another origin."""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from azcred_emulators.serving.urls import split_url

if TYPE_CHECKING:
    from azcred_emulators.emulation.request import Request

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_SAFE = ("GET", "HEAD")
_KEY = re.compile("[!-~]*")  # what an Authorization header can hold (RFC 9110, section 5.5)


class ControlRejection(Exception):
    """A request to the control API that is rejected with this status; the text is one sentence."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header that makes a browser ask its user for the key."""
        return [("WWW-Authenticate", 'Basic realm="azcred: any name, and the key as password"')] * (self.status == 401)


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges requests.

    `key` is what other machines must send, as a bearer token or, as browsers can, as a password; `names` are host names
    of the server.
    """

    key: str | None = field(default=None, repr=False)
    names: Iterable[str] = ()

    def knows(self, request: "Request") -> bool:
        """Tell whether a request names this server and not a host that is emulated.

        A page whose own name has been made to point here (DNS rebinding) names that.
        """
        return (split_url(f"//{request.host}").hostname or "") in (*_THIS_MACHINE, *self.names)

    def check(self, request: "Request") -> None:
        """Raise ControlRejection unless the sender of a request may control the server."""
        authorization = request.authorization
        key = ""
        if authorization and authorization.type in ("bearer", "basic"):
            key = authorization.token or authorization.password or ""
        has_key = bool(self.key) and hmac.compare_digest(key.encode(), (self.key or "").encode())
        if not has_key and not _is_loopback(request.remote_addr or ""):
            raise ControlRejection(
                "only this machine may control the server without its key in an Authorization header", 401
            )
        origin = request.headers.get("Origin")
        foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        if request.method not in _SAFE and (foreign or origin not in (None, f"{request.scheme}://{request.host}")):
            raise ControlRejection("pages of other origins may not control the server")


def check_key(key: str | None) -> None:
    """Raise ValueError for a key that no HTTP header can hold; the message does not repeat it."""
    if key is not None and not _KEY.fullmatch(key):
        raise ValueError("the key must consist of visible ASCII characters, without spaces")


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
