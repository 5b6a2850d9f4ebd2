"""Keys and certificates as Key Vault makes them, and their public parts as it writes them."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from azcred_emulators.apis.stand_ins.key_vault.data import CURVES, PKCS12, RSA_SIZES

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_CURVES: Mapping[str, ec.EllipticCurve] = dict(
    zip(CURVES, (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()), strict=True)
)


def make_key(kind: str, size: int | None = None, curve: str | None = None) -> PrivateKey:
    """Return a new key of a type such as "RSA" or "EC-HSM"; raises ValueError for one that there is not."""
    family = kind.removesuffix("-HSM")
    if family == "RSA" and (size or RSA_SIZES[0]) in RSA_SIZES:
        return rsa.generate_private_key(65537, size or RSA_SIZES[0])
    if family == "EC" and (curve or CURVES[0]) in CURVES:
        return ec.generate_private_key(_CURVES[curve or CURVES[0]])
    raise ValueError(f"there is no key of type {kind!r} with size {size} and curve {curve!r} in this stand-in")


def public_part(key: PrivateKey) -> dict[str, object]:
    """Return the public part of a key as a JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"n": _number(numbers.n), "e": _number(numbers.e)}
    point = key.public_key().public_numbers()
    length = (key.curve.key_size + 7) // 8
    name = next(name for name, curve in _CURVES.items() if curve.name == key.curve.name)
    return {"crv": name, "x": _number(point.x, length), "y": _number(point.y, length)}


def make_certificate(subject: str, key: PrivateKey, now: float, *, days: int) -> x509.Certificate:
    """Return a certificate that its own key has signed; raises ValueError for what is no subject (`CN=shop`)."""
    name = x509.Name.from_rfc4514_string(subject)
    start = datetime.fromtimestamp(now, timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(start).not_valid_after(start + timedelta(days=days)).sign(key, hashes.SHA256())


def as_secret(certificate: x509.Certificate, key: PrivateKey, content_type: str) -> str:
    """Return a certificate with its private key as the value of a secret: PKCS #12 in Base64, or PEM."""
    if content_type == PKCS12:
        packed = pkcs12.serialize_key_and_certificates(None, key, certificate, None, serialization.NoEncryption())
        return base64.b64encode(packed).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def from_secret(value: str) -> tuple[x509.Certificate, PrivateKey]:
    """Return the certificate and the private key in PEM or in PKCS #12; raises ValueError if they are not there."""
    if "-----BEGIN" in value:
        certificate = x509.load_pem_x509_certificate(value.encode())
        key = serialization.load_pem_private_key(value.encode(), None)
    else:
        key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(value), None)  # type: ignore[assignment]
    if not isinstance(key, PrivateKey) or certificate is None:
        raise ValueError("there is no certificate with its private key")
    return certificate, key


def base64url(data: bytes) -> str:
    """Return data in the alphabet of URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int, length: int | None = None) -> str:
    return base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))
