"""A request to the token endpoint, as the grants see it: parsed, its tenant found, HTTP left behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.clouds import Cloud
from azcred_emulators.directory import Directory, Tenant
from azcred_emulators.tokens import Tokens


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a grant needs to decide; it writes what the journal should know into `details`.

    `version` is that of the endpoint (1 or 2), `now` is epoch seconds, and `keys_of` returns the public keys
    of an external token issuer by key id.
    """

    form: Mapping[str, str]
    server_name: str
    version: int
    tenant: Tenant
    cloud: Cloud
    now: float
    directory: Directory
    tokens: Tokens
    keys_of: Callable[[str], Mapping[str, RSAPublicKey]]
    details: dict[str, object]

    def required(self, parameter: str) -> str:
        """Return a form parameter; raises EntraError if it is missing or empty."""
        value = self.form.get(parameter)
        if not value:
            raise EntraError(900144, parameter=parameter)
        return value
