"""What all managed identity hosts share: which identity a request means, and the host's own token cache."""

from collections.abc import Mapping
from dataclasses import dataclass

from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory, ManagedIdentity
from azcred_emulators.emulator import Emulator
from azcred_emulators.tokens import Token, Tokens


@dataclass(frozen=True, slots=True)
class Selector:
    """A parameter of a request that names an identity: which field of the identity it must equal."""

    parameter: str
    field: str


class SeveralIdentities(Exception):
    """No identity was named and the host has more than one that could be meant."""


class Host(Emulator):
    """A managed identity host: a cache of tokens in front of the directory's identities assigned to it."""

    provider = "managed-identity"
    resource_id: str
    selectors: tuple[Selector, ...]

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock) -> None:
        self.directory = directory
        self._tokens = tokens
        self._clock = clock
        self._cache: dict[tuple[ManagedIdentity, str], Token] = {}

    def select(self, parameters: Mapping[str, str]) -> ManagedIdentity | None:
        """Return the assigned identity that the request's parameters name, or the one meant if none is named.

        That is the system-assigned one, else the only user-assigned one. Returns None if there is no such
        identity. Raises SeveralIdentities if the host cannot decide.
        """
        identities = self.directory.assigned(self.name)
        for selector in self.selectors:
            if wanted := parameters.get(selector.parameter):
                return next(
                    (one for one in identities if getattr(one, selector.field).lower() == wanted.lower()),
                    None,
                )
        for identity in identities:
            if identity.system_assigned:
                return identity
        if len(identities) > 1:
            raise SeveralIdentities
        return identities[0] if identities else None

    def token(self, identity: ManagedIdentity, resource: str, *, bypass_cache: bool = False) -> Token:
        """Return a token from the cache, or a new one if none is there or half its life is over."""
        key = (identity, resource)
        token = self._cache.get(key)
        now = self._clock.now()
        if bypass_cache or token is None or now > (token.not_before + token.expires_on) / 2:
            token = self._tokens.app_only(
                identity,
                resource,
                target=self.directory.application_for_resource(resource),
                host_resource_id=self.resource_id,
            )
            self._cache[key] = token
        return token

    def reset(self) -> None:
        """Empty the cache."""
        self._cache.clear()
