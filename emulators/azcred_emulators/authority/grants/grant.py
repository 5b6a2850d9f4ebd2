"""What a grant is: how its requests are answered, and how to read from one who asks for what."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants.scopes import Access
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import User


def no_provider(request: TokenRequest) -> str | None:
    """Return None: every provider of the chain, or none of them, sends such requests."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReader:
    """Reads from a request who asks for what, before anything in it is checked or redeemed.

    `user` returns whose token it would be, None if the request does not say; without `user` the client acts for
    itself. `provider` returns the link of the chain that sends such a request. `access` returns the resource and the
    scopes. Each may raise EntraError.
    """

    user: Callable[[TokenRequest], User | None] | None = None
    provider: Callable[[TokenRequest], str | None] = no_provider
    access: Callable[[TokenRequest], Access] = TokenRequest.requested_access

    def describe(self, request: TokenRequest) -> dict[str, object]:
        """Return these fields of the request's entry in the journal, by which faults choose requests, too.

        A field that cannot be read is None.
        """
        user = access = provider = None
        with suppress(EntraError):
            provider = self.provider(request)
        with suppress(EntraError):
            user = self.user(request) if self.user else None
        with suppress(EntraError):
            access = self.access(request)
        client_id = request.form.get("client_id") or None
        principal = request.directory.principal(client_id) if client_id else None
        identity = user.principal_name if user else None
        if self.user is None and principal:
            identity = principal.name
        return {
            "client_id": principal.client_id if principal else client_id,
            "identity": identity,
            "provider": provider,
            "resource": access.resource if access else None,
            "scope": (access.text if access else request.form.get("scope")) or None,
            "tenant": self._tenant(request, user),
        }

    def _tenant(self, request: TokenRequest, user: User | None) -> str:
        """Return the GUID of the tenant that would issue the token, or the shared name if that cannot be told."""
        if user:
            with suppress(EntraError):
                return users.tenant_of(
                    request.directory, user, tenant=request.tenant, tenant_name=request.tenant_name
                ).id
        return request.tenant_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(RequestReader):
    """A grant of the token endpoint: a reader of its requests, and `respond`, which checks and answers them.

    `respond` raises EntraError for a request that is refused.
    """

    respond: Callable[[TokenRequest], TokenResponse]
