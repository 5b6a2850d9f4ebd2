"""What a client asks to use on behalf of a user: the parameter `scope` of version 2, `resource` of version 1."""

import re
from dataclasses import dataclass

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.serving.urls import split_url

GRAPH = "https://graph.microsoft.com"
DEFAULT = ".default"
OPENID_SCOPES = ("openid", "profile", "email", "offline_access")
_SCOPE = re.compile(r"^[A-Za-z0-9_\-.:/*]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One resource and its scopes, by their own names, and those of `OPENID_SCOPES` that came with them.

    `prefix` is what stands before the scopes' names in the request, and must in the answer: nothing for
    Microsoft Graph's, which may be asked for by name alone. `text` is the parameter `scope` as it was.
    """

    resource: str
    prefix: str = ""
    names: tuple[str, ...] = ()
    openid: tuple[str, ...] = ()
    text: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it asks for all that was consented to."""
        return DEFAULT in self.names

    @property
    def offline(self) -> bool:
        """Whether the client wants to go on without the user."""
        return "offline_access" in self.openid


def read_scope(text: str) -> Access:
    """Read the parameter `scope`; raises EntraError if it is malformed or names several resources."""
    scopes = tuple(dict.fromkeys(text.split()))
    openid = tuple(scope for scope in scopes if scope.lower() in OPENID_SCOPES)
    parts = [_split(scope) for scope in scopes if scope not in openid]
    prefixes = {resource.rstrip("/").lower() for resource, _, _ in parts}
    if len(prefixes) > 1:
        raise EntraError(700022)
    names = tuple(name for _, _, name in parts)
    if DEFAULT in names and len(names) > 1:
        raise EntraError(70011, scope=text)
    resource, prefix = (parts[0][0], parts[0][1]) if parts else (GRAPH, "")
    return Access(
        resource=resource,
        prefix=prefix,
        names=names,
        openid=tuple(dict.fromkeys(scope.lower() for scope in openid)),
        text=text,
    )


def read_resource(resource: str, openid: str = "") -> Access:
    """Read the parameters of version 1, where a client gets what was consented to, and always a refresh token."""
    scopes = [scope.lower() for scope in openid.split() if scope.lower() in OPENID_SCOPES]
    return Access(
        resource=resource,
        names=(DEFAULT,),
        openid=tuple(dict.fromkeys(("openid", *scopes, "offline_access"))),
    )


def _split(scope: str) -> tuple[str, str, str]:
    """Return a scope's resource, what stands before its name, and its name."""
    if not _SCOPE.match(scope):
        raise EntraError(70011, scope=scope)
    resource, slash, name = scope.rpartition("/")
    if not slash:
        return GRAPH, "", scope
    if not name or ("://" not in resource and ":/" in resource) or ("://" in scope and not split_url(resource).netloc):
        raise EntraError(70011, scope=scope)
    return resource, f"{resource}/", name
