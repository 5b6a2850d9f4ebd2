"""What all managed identity hosts share: which identity a request means, and the host's own token cache."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress

from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory, ManagedIdentity
from azcred_emulators.directory.known_resources import is_known_resource
from azcred_emulators.emulation.request import Request
from azcred_emulators.hosts.endpoint import SELECTORS, Endpoint, Machine, parameters_of
from azcred_emulators.hosts.refusals import HostError, Problem
from azcred_emulators.tokens import Token, Tokens
from azcred_emulators.tokens.access import AppOnlyAccess

_NO_PARAMETERS: Mapping[str, str] = {}


class Host(Endpoint):
    """A managed identity host: a cache of tokens in front of the directory's identities assigned to it.

    `selectors` are the kinds of id by which it finds an identity: "client_id", "object_id", "resource_id".
    """

    selectors: tuple[str, ...] = ()

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock, machine: Machine) -> None:
        super().__init__(directory, tokens, clock, machine)
        self._cache: dict[tuple[ManagedIdentity, str, tuple[str, ...]], Token] = {}

    @classmethod
    def problems(cls) -> set[Problem]:
        """Add those of choosing an identity."""
        return {
            *super().problems(),
            Problem.SEVERAL_IDENTITIES,
            *([Problem.IDENTITY_NOT_FOUND] if cls.selectors else []),
            *([Problem.SELECTOR] if set(SELECTORS) - set(cls.selectors) else []),
        }

    @abstractmethod
    def success(
        self, token: Token, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return the body that hands out a token."""

    def authorize(self, request: Request) -> None:  # most hosts trust whoever reaches them
        """Raise HostError if the client may not have the token that it means."""

    def grant(self, request: Request, parameters: Mapping[str, str]) -> Mapping[str, object]:
        """Return the body with a token of the identity that is meant; raises HostError."""
        resource = parameters["resource"]
        identity = self._identify(request, parameters)
        if not is_known_resource(resource, self.directory):
            raise HostError(Problem.UNKNOWN_RESOURCE)
        self.authorize(request)
        token = self.token(identity, resource, parameters)
        request.details["claims"] = token.claims
        body = self.success(token, identity, resource, parameters)
        return body if token.refresh_in is None else {**body, "refresh_in": token.refresh_in}

    def describe(self, request: Request, path: str) -> None:
        """Note whose token is asked for, too."""
        super().describe(request, path)
        if request.details.get("operation") == "token":
            with suppress(HostError):
                self._identify(request, parameters_of(request))

    def _identify(self, request: Request, parameters: Mapping[str, str]) -> ManagedIdentity:
        identity = self.select(parameters)
        request.details.update(tenant=identity.tenant_id, client_id=identity.client_id, identity=identity.name)
        return identity

    def select(self, parameters: Mapping[str, str]) -> ManagedIdentity:
        """Return the assigned identity that the parameters name, or the one meant if none is named.

        That is the system-assigned one, else the only user-assigned one. Raises HostError if there is none.
        """
        identities = self.directory.assigned(self.name)
        for kind, spellings in SELECTORS.items():
            for value in (parameters[spelling] for spelling in spellings if parameters.get(spelling)):
                if kind not in self.selectors:
                    raise HostError(Problem.SELECTOR)
                for identity in identities:
                    if getattr(identity, kind).lower() == value.lower():
                        return identity
                raise HostError(Problem.IDENTITY_NOT_FOUND)
        for identity in identities:
            if identity.system_assigned:
                return identity
        if len(identities) != 1:
            raise HostError(Problem.SEVERAL_IDENTITIES if identities else Problem.NO_IDENTITY)
        return identities[0]

    def is_stale(self, token: Token, parameters: Mapping[str, str]) -> bool:
        """Tell whether the request does without this token of the cache."""
        return False

    def token(self, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str] = _NO_PARAMETERS) -> Token:
        """Return a token from the cache, or a new one if none is there, or half its life is over, or it is stale."""
        capabilities = self.capabilities(parameters)
        key = (identity, resource, capabilities)
        token = self._cache.get(key)
        now = self._clock.now()
        if token is None or token.is_to_be_renewed(now) or self.is_stale(token, parameters):
            token = self._cache[key] = self._tokens.app_only(
                AppOnlyAccess(
                    identity,
                    resource,
                    target=self.directory.application_for_resource(resource),
                    capabilities=capabilities,
                    host_resource_id=self.directory.resource_id(self.name) or identity.resource_id,
                )
            )
        return token

    def capabilities(self, parameters: Mapping[str, str]) -> tuple[str, ...]:
        """Return what the client says that it can handle, such as "CP1"; most hosts do not ask."""
        return ()

    def reset(self) -> None:
        """Empty the cache."""
        self._cache.clear()
