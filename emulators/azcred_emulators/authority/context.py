"""What every part of the token service works with: the directory, the tokens, and what was handed out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from azcred_emulators.authority.device_codes import DeviceCodes
from azcred_emulators.authority.issued import Issued
from azcred_emulators.directory import Directory
from azcred_emulators.tokens import Tokens

KeysOf = Callable[[str], Mapping[str, RSAPublicKey] | None]
KeyOf = Callable[[str], RSAPublicKey | None]


@dataclass(frozen=True, slots=True)
class AuthorityContext:
    """The state of the token service, which its grants and its sign-in pages share.

    `keys_of` returns the public keys that an external token issuer publishes, by key id; None if its documents are
    not available. `federation_key` returns the key that signs the assertions of a federated domain's AD FS, by the
    issuer that they name; None if there is no such domain.
    """

    directory: Directory
    tokens: Tokens
    issued: Issued
    device_codes: DeviceCodes
    keys_of: KeysOf
    federation_key: KeyOf
