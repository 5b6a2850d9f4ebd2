"""Signing keys: an RSA key with its self-signed certificate, as token issuers publish them."""

import base64
import hashlib
from collections.abc import Mapping

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from azcred_emulators.serving.tls import NOT_AFTER, NOT_BEFORE


class SigningKey:
    """An RSA-2048 key that signs JWTs, known by its certificate's thumbprint as in Entra ID (`kid` = `x5t`).

    Its certificate is self-signed, or issued by the key `issued_by`; `chain` is all certificates up to the root.
    """

    def __init__(self, subject: str, *, issued_by: "SigningKey | None" = None) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])  # the longest there may be
        issuer = issued_by or self
        self.certificate: x509.Certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issued_by.certificate.subject if issued_by else name)
            .public_key(self._private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOT_BEFORE)
            .not_valid_after(NOT_AFTER)
            .sign(issuer._private, hashes.SHA256())
        )
        self.chain: tuple[x509.Certificate, ...] = (self.certificate, *(issued_by.chain if issued_by else ()))
        self.id: str = thumbprint(self.certificate)
        self.public: rsa.RSAPublicKey = self._private.public_key()

    def sign(
        self, claims: Mapping[str, object], *, header: Mapping[str, object] | None = None, algorithm: str = "RS256"
    ) -> str:
        """Return the claims as a signed JWT, its `kid` set unless the header names another; "PS256" is possible."""
        return jwt.encode(dict(claims), self._private, algorithm=algorithm, headers={"kid": self.id, **(header or {})})

    def sign_bytes(self, data: bytes) -> bytes:
        """Return the signature of data by RSASSA-PKCS1-v1_5 with SHA-256, as XML Signature has it."""
        return self._private.sign(data, padding.PKCS1v15(), hashes.SHA256())

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
            "x5c": self.x5c()[:1],
        }

    def x5c(self) -> list[str]:
        """Return the chain in the form in which JWT headers and keys documents carry it."""
        return [
            base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
            for certificate in self.chain
        ]

    def pem(self, *, password: str | None = None) -> bytes:
        """Return the private key and the chain as PEM, for the file of a service principal."""
        private = self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _encryption(password)
        )
        return private + b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in self.chain)

    def pfx(self, *, password: str | None = None) -> bytes:
        """Return the private key and the chain as PKCS #12, for the file of a service principal."""
        return pkcs12.serialize_key_and_certificates(
            None, self._private, self.certificate, list(self.chain[1:]) or None, _encryption(password)
        )


def read_jwk(document: Mapping[str, object]) -> rsa.RSAPublicKey | None:
    """Return the RSA key that an entry of a keys document holds, None if it holds none."""
    try:
        n, e = (int.from_bytes(_decoded(str(document[name])), "big") for name in ("n", "e"))
        return rsa.RSAPublicNumbers(e, n).public_key() if document.get("kty") == "RSA" else None
    except (KeyError, ValueError):
        return None


def read_x5c(chain: object) -> list[x509.Certificate]:
    """Return the certificates of a JWT's `x5c` header, none if it cannot be read."""
    if not isinstance(chain, list):
        return []
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(str(item))) for item in chain]
    except ValueError:
        return []


def thumbprint(certificate: x509.Certificate, algorithm: str = "sha1") -> str:
    """Return a certificate's thumbprint as JWT headers carry it: `x5t` (sha1) or `x5t#S256` (sha256)."""
    encoded = certificate.public_bytes(serialization.Encoding.DER)
    return _base64url(hashlib.new(algorithm, encoded, usedforsecurity=False).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encryption(password: str | None) -> serialization.KeySerializationEncryption:
    if password is None:
        return serialization.NoEncryption()
    return serialization.BestAvailableEncryption(password.encode())
