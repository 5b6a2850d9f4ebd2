"""An application with a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .confidential import ConfidentialCredential
from .tenants import validate_tenant

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


class CertificateCredential(ConfidentialCredential):
    """Authenticates an application with one of its certificates, by way of msal.

    :param tenant_id: the application's tenant.
    :param client_id: the application's id.
    :param certificate_path: the file with the certificate and its RSA key, in PEM or PKCS #12 format.
    :keyword certificate_data: the content of such a file, if there is no path.
    :keyword password: the password of the key, as text or bytes.
    :keyword send_certificate_chain: send the chain along, for trust by subject name and issuer.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :raises ValueError: there is no certificate or it is given twice, it cannot be read with this password, it has no
        RSA key; the client's id is empty, the tenant is malformed, or the authority is not https.
    :raises TypeError: the key has a password and none is given, or the other way round.
    :raises OSError: the file cannot be read.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        certificate_path: str | None = None,
        *,
        certificate_data: bytes | None = None,
        password: str | bytes | None = None,
        send_certificate_chain: bool = False,
        **kwargs: Any,
    ) -> None:
        if bool(certificate_path) == bool(certificate_data):
            raise ValueError("Give either certificate_path or certificate_data.")
        validate_tenant(tenant_id)  # before the file is looked at
        data = Path(certificate_path).read_bytes() if certificate_path else certificate_data or b""
        proof = certificate_proof(data, password, send_chain=send_certificate_chain)
        super().__init__(tenant_id, client_id, proof, **kwargs)


def certificate_proof(data: bytes, password: str | bytes | None, *, send_chain: bool) -> dict[str, Any]:
    """A certificate in the shape that msal documents for ``client_credential``.

    :param data: the content of a file in PEM or PKCS #12 format.
    :param send_chain: whether the assertions that it signs are to hold the certificates.
    :raises ValueError: that is not what it holds, the password is wrong, or the key is not an RSA key.
    :raises TypeError: the key has a password and none is given, or the other way round (PEM).
    """
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    secret = password.encode() if isinstance(password, str) else password
    key, chain = _pem(data, secret or None) if b"-----BEGIN" in data else _pkcs12(data, secret or None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("The certificate has no RSA key: Entra ID accepts no other.")
    encodings = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    proof = {
        "private_key": key.private_bytes(*encodings).decode(),
        "thumbprint": chain[0].fingerprint(hashes.SHA1()).hex(),  # noqa: S303  # names the certificate, proves nothing
    }
    if send_chain:
        proof["public_certificate"] = "".join(
            certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in chain
        )
    return proof


def _pem(data: bytes, password: bytes | None) -> tuple[object, list[Certificate]]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    return load_pem_private_key(data, password), load_pem_x509_certificates(data)


def _pkcs12(data: bytes, password: bytes | None) -> tuple[object, list[Certificate]]:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    try:
        key, certificate, others = load_key_and_certificates(data, password)
    except ValueError as error:
        raise ValueError("The certificate is neither PEM nor PKCS #12, or its password is another one.") from error
    if key is None or certificate is None:
        raise ValueError("The certificate has no private key: give a file that holds both.")
    return key, [certificate, *others]
