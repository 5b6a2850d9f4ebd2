"""Redirect URIs: which addresses of an application a browser may be sent back to."""

from collections.abc import Iterable
from dataclasses import dataclass

from azcred_emulators.directory import Application
from azcred_emulators.serving.urls import is_executable, split_url

# What desktop apps may use without a registered address of their own.
NATIVE = "https://login.microsoftonline.com/common/oauth2/nativeclient"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Platform:
    """The kind of client that a redirect URI belongs to, which decides how it redeems its code."""

    public: bool
    spa: bool


def platform_of(application: Application, address: str) -> Platform | None:
    """Return the platform under which an address is registered, None if it is not or no browser may be sent there.

    As in Entra ID, the port of a loopback address does not matter, since desktop apps listen on a free one.
    """
    if is_executable(address):
        return None
    if _matches(address, application.spa_redirect_uris):
        return Platform(public=True, spa=True)
    if _matches(address, application.redirect_uris):
        return Platform(public=application.public_client, spa=False)
    if application.public_client and address == NATIVE:
        return Platform(public=True, spa=False)
    return None


def _matches(address: str, registered: Iterable[str]) -> bool:
    return any(address == uri or _is_same_loopback(address, uri) for uri in registered)


def _is_same_loopback(address: str, registered_address: str) -> bool:
    actual, registered = split_url(address), split_url(registered_address)
    if not (address.isascii() and address.isprintable()) or "\\" in address:  # urlsplit and browsers forgive both
        return False
    return (
        registered.scheme == actual.scheme == "http"
        and registered.hostname in LOOPBACK
        and actual.hostname == registered.hostname
        and actual.username is actual.password is None
        and (actual.path or "/") == (registered.path or "/")
        and actual.query == registered.query
        and not actual.fragment
    )
