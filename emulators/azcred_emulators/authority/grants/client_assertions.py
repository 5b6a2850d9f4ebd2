"""Client assertions: JWTs by which a client proves who it is, signed with its certificate or by an issuer
that it is federated with.

Facts: RFC 7523; "Microsoft identity platform application authentication certificate credentials"; what
msal 1.39 and azure-identity 1.27 send (RS256 with `x5t`, PS256 with `x5t#S256`, padded segments from aio).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import jwt
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import Application, FederatedCredential, TrustedSubject
from azcred_emulators.directory.entities import TOKEN_EXCHANGE_APPLICATION_ID, TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.tokens import received
from azcred_emulators.tokens.claims import issuers_of
from azcred_emulators.tokens.keys import read_x5c, thumbprint

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOT_REGISTERED = "The certificate with identifier used to sign the client assertion is not registered on application."
SKEW = 300  # seconds that the two clocks may differ
_ALGORITHMS = ["RS256", "PS256"]


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """An assertion as read; nothing in it is checked yet."""

    encoded: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def federated(self) -> bool:
        """Whether another issuer than the client itself made it."""
        return bool(self.claims["iss"] != self.claims["sub"])

    def __repr__(self) -> str:
        return f"<ClientAssertion of {self.claims['iss']}>"


def read(encoded: str) -> ClientAssertion:
    """Take an assertion apart; raises EntraError if it is not a JWT with the claims it must have."""
    try:
        token = received.read(encoded)
    except jwt.InvalidTokenError as error:
        raise EntraError(50027) from error
    if not all(name in token.claims for name in ("iss", "sub", "exp")):
        raise EntraError(50027)
    return ClientAssertion(encoded, token.header, token.claims)


def verify_certificate(
    assertion: ClientAssertion, application: Application, *, is_own_address: Callable[[str], bool], now: float
) -> None:
    """Check an assertion that the client signed with a certificate registered for the application.

    `is_own_address` tells whether an `aud` is an address of the tenant's token service. Raises EntraError.
    """
    if assertion.claims["sub"].lower() != application.client_id.lower():
        raise EntraError(700021)
    certificate = _registered(assertion, application) or _trusted(assertion, application)
    if certificate is None:
        raise EntraError(700027, reason=NOT_REGISTERED)
    public = certificate.public_key()
    if not isinstance(public, RSAPublicKey) or not _signed_by(assertion, public):
        raise EntraError(700027, reason="Client assertion failed signature validation.")
    today = datetime.fromtimestamp(now, timezone.utc)
    if not certificate.not_valid_before_utc <= today <= certificate.not_valid_after_utc:
        raise EntraError(
            700027, reason="The certificate used to sign the client assertion is expired or not yet valid."
        )
    if not any(is_own_address(audience) for audience in _audiences(assertion)):
        raise EntraError(700023)
    _check_time(assertion, now)


def verify_federated(
    assertion: ClientAssertion,
    credentials: Iterable[FederatedCredential],
    *,
    keys_of: Callable[[str], Mapping[str, RSAPublicKey] | None],
    now: float,
) -> None:
    """Check an assertion of another issuer against a client's federated credentials.

    `keys_of` returns the keys that an issuer publishes, by key id. Raises EntraError, in the order of
    Entra ID's own checks: issuer, signature, subject, audience, time.
    """
    issuer, subject = assertion.claims["iss"], assertion.claims["sub"]
    from_issuer = [credential for credential in credentials if credential.issuer == issuer]
    if not from_issuer:
        raise EntraError(700211, issuer=issuer)
    keys = keys_of(issuer)
    if keys is None:
        raise EntraError(501661)
    key = keys.get(str(assertion.header.get("kid", "")))
    if key is None or not _signed_by(assertion, key):
        raise EntraError(50012)
    if "scp" in assertion.claims and issuer in issuers_of(str(assertion.claims.get("tid"))):
        raise EntraError(700229)
    for_subject = [credential for credential in from_issuer if credential.subject == subject]
    if not for_subject:
        if any(credential.subject.lower() == subject.lower() for credential in from_issuer):
            raise EntraError(7002138, subject=subject)
        raise EntraError(700213, subject=subject)
    if not any(credential.audience in _audiences(assertion) for credential in for_subject):
        raise EntraError(700212, audience=" ".join(_audiences(assertion)))
    _check_time(assertion, now)


def _registered(assertion: ClientAssertion, application: Application) -> x509.Certificate | None:
    for certificate in application.certificates:
        if assertion.header.get("x5t") and _base64url(assertion.header["x5t"]) == thumbprint(certificate):
            return certificate
        if assertion.header.get("x5t#S256") and _base64url(assertion.header["x5t#S256"]) == thumbprint(
            certificate, "sha256"
        ):
            return certificate
    return None


def _trusted(assertion: ClientAssertion, application: Application) -> x509.Certificate | None:
    """Return the client's certificate out of `x5c` if one of the trusted authorities vouches for its name.

    Raises EntraError if one vouches for it, but for another name.
    """
    chain = read_x5c(assertion.header.get("x5c")) if application.trusted_subjects else []
    vouching = [trusted for trusted in application.trusted_subjects if chain and _vouches(trusted, chain)]
    if not vouching:
        return None
    names = [str(name.value) for name in chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not any(names == [trusted.name] for trusted in vouching):
        raise EntraError(700030, subject=", ".join(names[:10]))
    return chain[0]


def _vouches(trusted: TrustedSubject, chain: list[x509.Certificate]) -> bool:
    above = [certificate for certificate in chain[1:] if certificate != trusted.authority]
    links = zip([chain[0], *above], [*above, trusted.authority], strict=True)
    return all(_issued(certificate, issuer) for certificate, issuer in links)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _base64url(thumbprint: object) -> str:
    """Return a thumbprint as the standard has it; msal for Go writes the other base64, aio pads."""
    return str(thumbprint).rstrip("=").replace("+", "-").replace("/", "_")


def _signed_by(assertion: ClientAssertion, key: RSAPublicKey) -> bool:
    try:
        received.read(assertion.encoded, key, algorithms=_ALGORITHMS)
    except jwt.InvalidTokenError:
        return False
    return True


def _audiences(assertion: ClientAssertion) -> list[str]:
    """Return whom an assertion is for; Entra ID's own are for an id that stands for the name in credentials."""
    audience = assertion.claims.get("aud", [])
    audiences = [str(item) for item in audience] if isinstance(audience, list) else [str(audience)]
    return [TOKEN_EXCHANGE_AUDIENCE if item == TOKEN_EXCHANGE_APPLICATION_ID else item for item in audiences]


def _check_time(assertion: ClientAssertion, now: float) -> None:
    starts = assertion.claims.get("nbf", 0)
    if now > assertion.claims["exp"] + SKEW:
        raise EntraError(700024, reason="The assertion has expired.")
    if now < starts - SKEW:
        raise EntraError(700024, reason="The assertion is not yet valid.")
