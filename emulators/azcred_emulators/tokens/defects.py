"""What can be wrong with a token: each defect is data, and an app must reject a token with any of them.

::

    @pytest.mark.parametrize("defect", DEFECTS)
    def test_a_bad_token_is_refused(defect, azcred, client):
        token = azcred.tokens.forge(defect, {"aud": "api://orders", "scp": "Orders.Read"})
        assert client.get("/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 401
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization

from azcred_emulators.tokens.keys import SigningKey

_ELSEWHERE = "99999999-9999-4999-8999-999999999999"


@dataclass(frozen=True, slots=True)
class Forger:
    """The keys to sign with: one that Entra ID publishes, and one that it does not."""

    own: SigningKey
    foreign: SigningKey


Signature = Callable[[Mapping[str, object], Forger], str]


def _sound(claims: Mapping[str, object], keys: Forger) -> str:
    return keys.own.sign(claims, header={"x5t": keys.own.id} if claims.get("ver") == "1.0" else {})


def _foreign(claims: Mapping[str, object], keys: Forger) -> str:
    return keys.foreign.sign(claims)


def _under_a_published_id(claims: Mapping[str, object], keys: Forger) -> str:
    return keys.foreign.sign(claims, header={"kid": keys.own.id})


def _none(claims: Mapping[str, object], _: Forger) -> str:
    return f"{_encoded({'typ': 'JWT', 'alg': 'none'})}.{_encoded(claims)}."


def _tampered(claims: Mapping[str, object], keys: Forger) -> str:
    header, _, signature = _sound(claims, keys).split(".")
    return f"{header}.{_encoded({**claims, 'oid': _ELSEWHERE, 'sub': _ELSEWHERE})}.{signature}"


def _hmac_with_the_public_key(claims: Mapping[str, object], keys: Forger) -> str:
    """Sign with what everybody knows, for verifiers that take the algorithm from the token."""
    secret = keys.own.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_encoded({'typ': 'JWT', 'alg': 'HS256', 'kid': keys.own.id})}.{_encoded(claims)}"
    return f"{signed}.{_base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing wrong with an otherwise valid token.

    `times` are claims in seconds from now, `claims` are replaced as they are (None leaves one out), and `sign`
    makes the token.
    """

    description: str
    times: Mapping[str, int] = field(default_factory=dict)
    claims: Mapping[str, object] = field(default_factory=dict)
    sign: Signature = _sound


DEFECTS: Mapping[str, Defect] = {
    "expired": Defect("its time is over", times={"iat": -7500, "nbf": -7500, "exp": -3600}),
    "not-yet-valid": Defect("its time has not come", times={"nbf": 3600, "exp": 7200}),
    "no-expiry": Defect("it never ends", claims={"exp": None}),
    "wrong-audience": Defect("it is for another app", claims={"aud": f"api://{_ELSEWHERE}"}),
    "wrong-issuer": Defect("it is not of Entra ID", claims={"iss": "https://issuer.example/"}),
    "wrong-tenant": Defect("it is of another tenant, and its issuer as well", claims={"tid": _ELSEWHERE}),
    "wrong-key": Defect("its signature is by another key than it names", sign=_under_a_published_id),
    "unknown-key": Defect("its key is not published", sign=_foreign),
    "algorithm-none": Defect("it is not signed", sign=_none),
    "algorithm-confusion": Defect("it is signed with HS256 and the public key", sign=_hmac_with_the_public_key),
    "tampered": Defect("it was changed after it was signed", sign=_tampered),
}


def _encoded(part: Mapping[str, object]) -> str:
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
