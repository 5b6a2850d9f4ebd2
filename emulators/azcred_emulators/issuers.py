"""Token issuers outside Entra ID that applications are federated with, such as a Kubernetes cluster."""

import threading
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from azcred_emulators.clock import Clock
from azcred_emulators.directory import TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.keys import SigningKey


class Issuer:
    """An OpenID Connect issuer with a key of its own, which signs assertions for workloads."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self._clock = clock
        self.key = SigningKey(url)

    def assertion(
        self,
        subject: str,
        *,
        audience: str = TOKEN_EXCHANGE_AUDIENCE,
        lifetime: float = 3600.0,
        issuer: str | None = None,
    ) -> str:
        """Return a signed token for a subject; `lifetime` is in seconds and may be negative.

        `issuer` names another issuer in the token than the one that signs it.
        """
        now = int(self._clock.now())
        return self.key.sign(
            {
                "iss": issuer or self.url,
                "sub": subject,
                "aud": [audience],
                "iat": now,
                "nbf": now,
                "exp": now + int(lifetime),
            }
        )


class Issuers:
    """The issuers that exist in this run, made when they are first named: keys take time to make."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._issuers: dict[str, Issuer] = {}

    def get(self, url: str) -> Issuer:
        """Return the issuer with this URL."""
        with self._lock:
            if url not in self._issuers:
                self._issuers[url] = Issuer(url, self._clock)
            return self._issuers[url]

    def keys_of(self, url: str) -> Mapping[str, RSAPublicKey]:
        """Return the public keys of an issuer by key id; none if there is no such issuer."""
        issuer = self._issuers.get(url)
        return {issuer.key.id: issuer.key.public} if issuer else {}
