"""Tokens that are received, of any issuer: the signer may have put anything into one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_LAST = 2**53  # seconds; every number up to it is exact as a float, too


@dataclass(frozen=True, slots=True)
class ReceivedToken:
    """A JWT as it was read; the claims that the emulators use have the types that they should have, or are absent."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def read(encoded: str, key: RSAPublicKey | None = None, *, algorithms: Sequence[str] = ("RS256",)) -> ReceivedToken:
    """Read a JWT; without a key its signature is not verified. Nothing else of it is checked.

    Raises jwt.InvalidTokenError: InvalidSignatureError if it was not signed with the key, another if it is no JWT or
    one of its claims has a wrong type.
    """
    options: Any = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False)
    try:
        if key is None:
            parts = jwt.decode_complete(encoded, options={"verify_signature": False})
        else:
            parts = jwt.decode_complete(encoded, key, list(algorithms), options)
    except (ValueError, TypeError, RecursionError) as error:
        raise jwt.DecodeError("the token cannot be read") from error
    claims = parts["payload"]
    for name, is_right in _TYPES.items():
        if name in claims and not is_right(claims[name]):
            raise jwt.InvalidTokenError(f"the claim {name!r} has a wrong type")
    return ReceivedToken(parts["header"], claims)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LAST <= value <= _LAST  # no NaN either


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _is_audience(value: object) -> bool:
    return _is_text(value) or _is_list(value)


_TYPES: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("exp", "iat", "nbf", "auth_time"), _is_time),
    **dict.fromkeys(("iss", "sub", "oid", "tid", "appid", "azp", "scp", "sid", "uti", "jti"), _is_text),
    **dict.fromkeys(("amr", "roles", "xms_cc"), _is_list),
    "aud": _is_audience,
}
