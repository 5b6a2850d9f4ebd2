"""The credentials with which `az login` signs a service principal in: a secret, a federated token or a certificate."""

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
from azcred_emulators.executables.azure_cli.errors import CliError, UnexpectedError
from azcred_emulators.executables.token_client import ClientCredentials
from azcred_emulators.tokens.keys import thumbprint

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_LIFETIME = 600  # seconds, as msal has it


def client_secret(value: str) -> ClientCredentials:
    """Return the credentials of a client with a secret."""
    return lambda _: {"client_secret": value}


def federated_token(token: str) -> ClientCredentials:
    """Return the credentials of a client with a token of an issuer that it is federated with."""
    return lambda _: _assertion(token)


def client_certificate(clock: Clock, client_id: str, path: Path, *, chain: bool) -> ClientCredentials:
    """Return the credentials of a client with the key and the certificate in a PEM file.

    Its assertions carry the certificate's `chain`, or only its thumbprint. Raises UnexpectedError if the file cannot be
    read, CliError if it does not hold both.
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

    def credentials(tenant: str) -> Mapping[str, str]:
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
            blocks = [certificate.public_bytes(Encoding.DER) for certificate in certificates]
            headers["x5c"] = [base64.b64encode(block).decode() for block in blocks]
        return _assertion(jwt.encode(claims, private, algorithm="RS256", headers=headers))

    return credentials


def _assertion(token: str) -> Mapping[str, str]:
    return {"client_assertion": token, "client_assertion_type": client_assertions.TYPE}
