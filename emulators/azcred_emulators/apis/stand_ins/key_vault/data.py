"""What Key Vault keeps, and how it names it.

Source: the REST API of Key Vault, version 7.6: "Secrets", "Keys", "Certificates".
"""

from collections.abc import Mapping
from dataclasses import dataclass

HOSTS = ("*.vault.azure.net", "*.vault.azure.cn", "*.vault.usgovcloudapi.net", "*.managedhsm.*")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its word in errors, and where its id is in a bundle, in the object `within` if there is one."""

    word: str
    within: str | None = None
    id_name: str = "id"


KINDS: Mapping[str, Kind] = {
    "secrets": Kind("Secret"),
    "keys": Kind("Key", within="key", id_name="kid"),
    "certificates": Kind("Certificate"),
}
CURVES = ("P-256", "P-384", "P-521")
RSA_SIZES = (2048, 3072, 4096)
RECOVERY_DAYS = 90
PKCS12 = "application/x-pkcs12"
PEM = "application/x-pem-file"
VALIDITY_DAYS = 365  # of certificates that are made without a policy
ATTRIBUTES: Mapping[str, object] = {
    "enabled": True,
    "recoveryLevel": "Recoverable+Purgeable",
    "recoverableDays": RECOVERY_DAYS,
}
