"""The run's own certificate authority, and TLS server contexts that answer under any name."""

import os
import ssl
import tempfile
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache, cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from azcred_emulators.private_folder import PrivateFolder

# Certificates are valid at any date to which a test may move its clock.
NOT_BEFORE = datetime(2000, 1, 1, tzinfo=timezone.utc)
NOT_AFTER = datetime(2099, 12, 31, tzinfo=timezone.utc)


Issue = Callable[[str], tuple[bytes, bytes]]


class CertificateAuthority:
    """A certificate authority made for one run; its key never leaves the process.

    Keys are EC P-256, which take microseconds to make. Certificates satisfy OpenSSL's strict checks
    (`VERIFY_X509_STRICT`, the default from Python 3.13 on).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("pytest-azcred certificate authority of this run")
        public = self._key.public_key()
        self._certificate = (
            _builder(self._name, self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @cached_property
    def pem(self) -> str:
        """The authority's certificate, which a client must trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @cached_property
    def der(self) -> bytes:
        """The authority's certificate in binary form."""
        return self._certificate.public_bytes(serialization.Encoding.DER)

    def issue(self, *names: str, not_after: datetime = NOT_AFTER) -> tuple[bytes, bytes]:
        """Return certificate chain and private key, both PEM, for a server with these names or addresses.

        The certificate is valid until `not_after`.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        certificate = (
            _builder(_name(names[0][:64]), self._name, public, not_after)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM) + self.pem.encode(), private

    def server_context(self) -> ssl.SSLContext:
        """Return a context that presents a certificate for the name in the client's hello, made at that moment."""
        return _presenting(self._context_for, "localhost")

    @cached_property
    def thumbprint(self) -> str:
        """The SHA-1 of the certificate for clients whose hello names "localhost" or no server."""
        chain, _ = self._issued_for("localhost")
        return x509.load_pem_x509_certificate(chain).fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303

    def _context_for(self, name: str) -> ssl.SSLContext:
        with self._lock:
            if name not in self._contexts:
                self._contexts[name] = _load(*self._issued_for(name))
            return self._contexts[name]

    def _issued_for(self, name: str) -> tuple[bytes, bytes]:
        return self._localhost if name == "localhost" else self.issue(name)

    @cached_property
    def _localhost(self) -> tuple[bytes, bytes]:
        return self.issue("localhost", "127.0.0.1", "::1")


def server_context(issue: Issue, name: str = "localhost") -> ssl.SSLContext:
    """Return a context that presents what `issue` makes for the name in the client's hello, or else for this name."""
    return _presenting(cache(lambda server_name: _load(*issue(server_name))), name)


def _presenting(context_for: Callable[[str], ssl.SSLContext], default: str) -> ssl.SSLContext:
    """Make a context that gives way to another one when the client says which server it wants."""
    context = _new_context()

    def present(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = context_for((name or default).lower())

    context.sni_callback = present
    return context


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that only this user may read, at once, and return its path; a link there is replaced.

    Raises OSError.
    """
    unfinished = None
    try:
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # O_EXCL, mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(unfinished, path)
    except OSError as error:
        if unfinished:
            os.unlink(unfinished)
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path


def _load(chain: bytes, key: bytes) -> ssl.SSLContext:
    """Make a server context; the ssl module takes a key from a file only, so one exists for an instant."""
    context = _new_context()
    with PrivateFolder() as folder:
        context.load_cert_chain(write_private(Path(folder) / "server.pem", chain + key))
    return context


def _new_context() -> ssl.SSLContext:
    """Make a server context of Python's own class: an app may have put another in its place (truststore does)."""
    kind: type[ssl.SSLContext] = next(base for base in ssl.SSLContext.__mro__ if base.__module__ == "ssl")
    context = kind(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])  # a client that could speak HTTP/2 must not
    return context


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, not_after: datetime = NOT_AFTER
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(not_after)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
