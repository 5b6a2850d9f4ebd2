"""Answers from real life that apps meet where managed identity is, or should be.

Sources: Microsoft's "How to use managed identities for Azure resources on an Azure VM to acquire an access token"
(error handling, retry guidance); azure-identity's and @azure/identity's own handling of each.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from werkzeug.wrappers import Response

from azcred_emulators.emulation.fault import Exchange, RequestFault
from azcred_emulators.faults.answers import Status


class _Case(RequestFault):
    """An answer that is data."""

    __slots__ = ()

    @abstractmethod
    def answer(self) -> Status:
        """Return the answer."""

    def apply(self, exchange: Exchange) -> Response:
        """Answer without a look at the request."""
        return self.answer().apply(exchange)


@dataclass(frozen=True, slots=True, repr=False)
class IdentityNotFound(_Case):
    """What IMDS answers if the machine has no identity, or not the requested one."""

    outcome: ClassVar[str | None] = "unavailable"

    def answer(self) -> Status:
        """Return IMDS's 400."""
        return Status(400, body={"error": "invalid_request", "error_description": "Identity not found"})


@dataclass(frozen=True, slots=True, repr=False)
class Gone(_Case):
    """What IMDS answers during an update, which can take 70 seconds."""

    def answer(self) -> Status:
        """Return IMDS's 410."""
        return Status(410)


@dataclass(frozen=True, slots=True, repr=False)
class DockerDesktop(_Case):
    """What the proxy of Docker Desktop answers for addresses that it cannot reach."""

    outcome: ClassVar[str | None] = "unavailable"

    def answer(self) -> Status:
        """Return the 403 whose text says what the status does not."""
        dialled = "connecting to 169.254.169.254:80"
        reason = "dial tcp 169.254.169.254:80: connectex: A socket operation was attempted to an unreachable network."
        return Status(403, body=f"{dialled}: {dialled}: {reason}")


@dataclass(frozen=True, slots=True, repr=False)
class CaptivePortal(_Case):
    """A network in which users must sign in first: it answers everything with its sign-in page."""

    outcome: ClassVar[str | None] = "malformed"

    def answer(self) -> Status:
        """Return a page with status 200."""
        page = "<!DOCTYPE html><html><head><title>Sign in to Wi-Fi</title></head><body>Welcome.</body></html>"
        return Status(200, body=page, content_type="text/html; charset=utf-8")


_FOREIGN: Mapping[int, str] = {
    401: "<html><head><title>401 - Unauthorized</title></head><body><h1>401 - Unauthorized</h1></body></html>",
    404: "<html><head><title>404 - Not Found</title></head><body><h1>404 - Not Found</h1></body></html>",
}


@dataclass(frozen=True, slots=True, repr=False)
class ForeignMetadata(_Case):
    """The metadata service of another cloud, at the same address.

    :param code: 401 if it requires a session token, otherwise 404.
    :raises ValueError: it is another status.
    """

    outcome: ClassVar[str | None] = "unavailable"

    code: int = 404

    def __post_init__(self) -> None:
        if self.code not in _FOREIGN:
            raise ValueError(f"another cloud's metadata service answers 401 or 404, not {self.code}")

    def answer(self) -> Status:
        """Return a page that is no JSON."""
        return Status(self.code, body=_FOREIGN[self.code], content_type="text/html")
