"""What an application proves with that it is itself: a secret, a token of another issuer, or a certificate's key."""

import base64
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.clock import Clock
from azcred_emulators.executables.accounts import Credentials
from azcred_emulators.executables.azure_cli.command import CliError
from azcred_emulators.executables.azure_cli.refusals import UnexpectedError
from azcred_emulators.tokens.keys import thumbprint

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_LIFETIME = 600  # seconds, as msal has it


def secret(value: str) -> Credentials:
    """Return the proof by a secret."""
    return lambda _: {"client_secret": value}


def federated(token: str) -> Credentials:
    """Return the proof by a token of an issuer that the application is federated with."""
    return lambda _: _assertion(token)


def certificate(clock: Clock, client_id: str, path: Path, *, chain: bool) -> Credentials:
    """Return the proof by the key and the certificate in a PEM file, sent with its `chain` or its thumbprint only.

    Raises UnexpectedError if the file cannot be read, CliError if it is none of that kind.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise UnexpectedError(f"[Errno {error.errno}] {error.strerror}: '{path.name}'") from error
    try:
        certificates = [x509.load_pem_x509_certificate(block) for block in _CERTIFICATE.findall(pem)]
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        certificates, key = [], None
    if not certificates or not isinstance(key, RSAPrivateKey):
        raise CliError(
            "Invalid certificate, please use a valid PEM file. Error detail: [('PEM routines', '', 'no start line')]"
        )
    private = key

    def sign(tenant: str) -> Mapping[str, str]:
        now = int(clock.now())
        claims = {
            "aud": f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "iss": client_id,
            "sub": client_id,
            "iat": now,
            "exp": now + _LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        headers: dict[str, object] = {"x5t": thumbprint(certificates[0])}
        if chain:
            headers["x5c"] = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates]
        return _assertion(jwt.encode(claims, private, algorithm="RS256", headers=headers))

    return sign


def _assertion(token: str) -> Mapping[str, str]:
    return {"client_assertion": token, "client_assertion_type": client_assertions.TYPE}
