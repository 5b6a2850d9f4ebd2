"""Signing keys: an RSA key with its self-signed certificate, as token issuers publish them."""

import base64
import hashlib
from collections.abc import Mapping

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from azcred_emulators.tls import NOT_AFTER, NOT_BEFORE


class SigningKey:
    """An RSA-2048 key that signs JWTs, known by its certificate's thumbprint as in Entra ID (`kid` = `x5t`)."""

    def __init__(self, subject: str) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])  # the longest there may be
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOT_BEFORE)
            .not_valid_after(NOT_AFTER)
            .sign(self._private, hashes.SHA256())
        )
        self.id = thumbprint(self.certificate)
        self.public = self._private.public_key()

    def sign(self, claims: Mapping[str, object], *, header: Mapping[str, object] | None = None) -> str:
        """Return the claims as a JWT signed with RS256, its `kid` set unless the header names another."""
        return jwt.encode(dict(claims), self._private, algorithm="RS256", headers={"kid": self.id, **(header or {})})

    def jwk(self) -> dict[str, object]:
        """Return the public key in the form in which Entra ID's keys document lists it."""
        numbers = self.public.public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": _base64url(numbers.n.to_bytes(256, "big")),
            "e": _base64url(numbers.e.to_bytes(3, "big")),
            "x5c": [base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()],
        }

    def pem(self) -> bytes:
        """Return the certificate and the private key as PEM, for the file of a service principal."""
        private = self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private + self.certificate.public_bytes(serialization.Encoding.PEM)


def thumbprint(certificate: x509.Certificate, algorithm: str = "sha1") -> str:
    """Return a certificate's thumbprint as JWT headers carry it: `x5t` (sha1) or `x5t#S256` (sha256)."""
    encoded = certificate.public_bytes(serialization.Encoding.DER)
    return _base64url(hashlib.new(algorithm, encoded, usedforsecurity=False).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
