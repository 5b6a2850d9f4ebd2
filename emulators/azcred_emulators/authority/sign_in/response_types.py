"""What `/authorize` can give, and in which mode it goes back: a code, an id token, an access token.

Source: "OAuth 2.0 Multiple Response Type Encoding Practices"; "Microsoft identity platform and OAuth 2.0 implicit
grant flow"; refusals as recorded.
"""

from collections.abc import Mapping

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants.scopes import Access
from azcred_emulators.directory import Application

CODE = frozenset({"code"})
RESPONSE_MODES = ("query", "fragment", "form_post")
_SUPPORTED = (
    CODE,
    frozenset({"id_token"}),
    frozenset({"code", "id_token"}),
    frozenset({"id_token", "token"}),
    frozenset({"token"}),
)


def read(parameters: Mapping[str, str]) -> frozenset[str]:
    """Return what is asked for, whatever it is."""
    return frozenset((parameters.get("response_type") or "").split())


def usual_mode(types: frozenset[str]) -> str:
    """Return the mode of an answer for which the client names none."""
    return "query" if types <= CODE else "fragment"


def carries(mode: str, types: frozenset[str]) -> bool:
    """Tell whether a mode may take such an answer: no token belongs into a query, which servers log."""
    return mode in RESPONSE_MODES and (mode != "query" or types <= CODE)


def check(parameters: Mapping[str, str], client: Application, access: Access) -> None:
    """Raise EntraError if what is asked for is not supported, not enabled for the client, or lacks what it needs."""
    if not parameters.get("response_type"):
        raise EntraError(900144, parameter="response_type")
    types = read(parameters)
    if types not in _SUPPORTED:
        raise EntraError(70005, reason="The provided value for the input parameter 'response_type' is not valid.")
    if "id_token" in types and not client.id_token_issuance:
        raise EntraError(700054)
    if "token" in types and not client.access_token_issuance:
        raise EntraError(700051)
    if parameters.get("response_mode") == "query" and not carries("query", types):
        raise EntraError(70007)
    if "id_token" in types and "openid" not in access.openid:
        raise EntraError(70005, reason="response_type 'id_token' requires the 'OpenID' scope.")
    if "id_token" in types and not parameters.get("nonce"):
        raise EntraError(900144, parameter="nonce")
