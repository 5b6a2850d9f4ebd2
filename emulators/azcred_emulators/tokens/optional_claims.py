"""Claims that are in a token only if an application asks for them.

Source: Microsoft's "Optional claims reference".
"""

import base64
from collections.abc import Callable, Iterable, Mapping

from azcred_emulators.directory import User
from azcred_emulators.tokens.access import Delegation


def optional_claims(delegation: Delegation, names: Iterable[str], present: Mapping[str, object]) -> dict[str, object]:
    """Return those of the named claims that are not present yet and that there is something to say about."""
    values = ((name, _OPTIONAL[name](delegation)) for name in names if name in _OPTIONAL and name not in present)
    return {name: value for name, value in values if value not in (None, "", [])}


def acct(delegation: Delegation) -> int:
    """Return whether the user is of the tenant (0) or a guest (1)."""
    return 0 if delegation.user.tenant_id.lower() == delegation.tenant_id.lower() else 1


def login_hint(user: User) -> str:
    """Return the value of the optional claim `login_hint`, opaque to clients, which give it back at a sign-in."""
    return f"O.{base64.urlsafe_b64encode(user.object_id.encode()).rstrip(b'=').decode()}"


def user_id_of(hint: str) -> str | None:
    """Return the object id in a `login_hint` claim, None if the text is none."""
    if not hint.startswith("O."):
        return None
    try:
        return base64.urlsafe_b64decode(hint[2:] + "=" * (-len(hint[2:]) % 4)).decode()
    except ValueError:
        return None


_OPTIONAL: Mapping[str, Callable[[Delegation], object]] = {
    "acct": acct,
    "auth_time": lambda delegation: int(delegation.sign_in.auth_time),
    "email": lambda delegation: delegation.user.mail,
    "family_name": lambda delegation: delegation.user.surname,
    "given_name": lambda delegation: delegation.user.given_name,
    "idtyp": lambda delegation: "user",
    "ipaddr": lambda delegation: "127.0.0.1",
    "login_hint": lambda delegation: login_hint(delegation.user),
    "preferred_username": lambda delegation: delegation.user.principal_name,
    "tenant_region_scope": lambda delegation: "EU",
    "upn": lambda delegation: delegation.user.principal_name,
    "verified_primary_email": lambda delegation: [delegation.user.mail] if delegation.user.mail else None,
}
