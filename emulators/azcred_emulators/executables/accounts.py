"""The accounts that are signed in to a developer tool, and the tokens that the tool gets for them.

The tool caches tokens as msal does.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.issued import RefreshToken
from azcred_emulators.authority.target_resource import check_known
from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.executables.token_client import (
    ClientCredentials,
    Details,
    IdentityNotAssigned,
    TokenClient,
    delegated_scope,
)
from azcred_emulators.tokens import Token
from azcred_emulators.tokens.access import SignIn

_EXPIRES_SOON = 300.0  # seconds before a token's expiry at which msal stops handing it out
_WORTH_REFRESHING = 7200.0  # seconds; a token that lives longer is renewed by msal after half its life


@dataclass(frozen=True, slots=True)
class _CachedToken:
    """A token in an account's cache, and from when on msal tries to get a newer one, in epoch seconds."""

    token: Token
    refresh_on: float


class Account(ABC):
    """An identity that is signed in to a tool, and the tenant; `name` is a user's principal name or a client id."""

    name: str
    tenant_id: str

    @abstractmethod
    def token(self, scope: str, details: Details, *, tenant: str | None = None, claims: str | None = None) -> Token:
        """Return a token for a scope such as "https://vault.azure.net/.default".

        `tenant` is a GUID or a domain, by default the account's. `claims` is the JSON of a claims challenge, which no
        cached token can meet. What the journal should show goes into `details`. Raises EntraError, TokenServiceFailed
        or IdentityNotAssigned.
        """


class _CachingAccount(Account):
    """An account whose tokens the tool caches and renews."""

    def __init__(self, client: TokenClient, name: str, tenant_id: str) -> None:
        self.name = name
        self.tenant_id = tenant_id
        self._client = client
        self._cache: dict[tuple[str, str], _CachedToken] = {}

    def token(self, scope: str, details: Details, *, tenant: str | None = None, claims: str | None = None) -> Token:
        """Return the cached token, or a new one if that expires soon or more than half of its long life is over."""
        key = (tenant or self.tenant_id, scope)
        now = self._client.clock.now()
        cached = self._cache.get(key)
        usable = cached if cached and not claims and now < cached.token.expires_on - _EXPIRES_SOON else None
        self._describe(details)
        if usable and now < usable.refresh_on:
            return usable.token
        try:
            answer = self._redeem(scope, key[0], claims, details)
        except EntraError:
            if usable:
                return usable.token
            raise
        lifetime = answer.token.expires_on - now
        refresh_on = now + lifetime / 2 if lifetime >= _WORTH_REFRESHING else float(answer.token.expires_on)
        self._cache[key] = _CachedToken(answer.token, refresh_on)
        return answer.token

    def inherit(self, earlier: "_CachingAccount | None") -> None:
        """Take over the tokens of an earlier sign-in: msal's cache is by account, not by sign-in."""
        if earlier is not None:
            self._cache |= earlier._cache

    @abstractmethod
    def _describe(self, details: Details) -> None:
        """Put the identity into what the journal shows."""

    @abstractmethod
    def _redeem(self, scope: str, tenant: str, claims: str | None, details: Details) -> TokenResponse:
        """Request a token from the token service."""


class UserAccount(_CachingAccount):
    """A user, for whom the tool has a refresh token."""

    def __init__(self, client: TokenClient, user: User, refresh_token: str, tenant_id: str) -> None:
        super().__init__(client, user.principal_name, tenant_id)
        self.object_id: str = user.object_id
        self._refresh_token = refresh_token

    def _describe(self, details: Details) -> None:
        details.update(identity=self.name, tenant=self.tenant_id, client_id=self._client.client_id)

    def _redeem(self, scope: str, tenant: str, claims: str | None, details: Details) -> TokenResponse:
        form = {"refresh_token": self._refresh_token, "scope": delegated_scope(scope)}
        answer = self._client.redeem("refresh_token", tenant, form, details, claims=claims)
        self._refresh_token = answer.refresh_token or self._refresh_token
        return answer


class ServicePrincipalAccount(_CachingAccount):
    """An application, which `credentials` authenticate."""

    def __init__(self, client: TokenClient, client_id: str, credentials: ClientCredentials, tenant_id: str) -> None:
        super().__init__(client, client_id, tenant_id)
        self._credentials = credentials

    def _describe(self, details: Details) -> None:
        principal = self._client.directory.principal(self.name)
        details.update(identity=principal and principal.name, tenant=self.tenant_id, client_id=self.name)

    def _redeem(self, scope: str, tenant: str, claims: str | None, details: Details) -> TokenResponse:
        form = {"client_id": self.name, "scope": scope, **self._credentials(tenant)}
        return self._client.redeem("client_credentials", tenant, form, details, claims=claims)


class ManagedIdentityAccount(Account):
    """A managed identity of the machine; for each token the tool asks the host, which has the cache."""

    def __init__(self, client: TokenClient, identity: ManagedIdentity) -> None:
        self.name: str = identity.name
        self.tenant_id: str = identity.tenant_id
        self.client_id: str = identity.client_id
        self.system_assigned: bool = identity.system_assigned
        self._client = client

    def token(self, scope: str, details: Details, *, tenant: str | None = None, claims: str | None = None) -> Token:
        """Return the host's token."""
        identity = self._client.directory.principal(self.client_id)
        resource = scope.removesuffix("/.default")
        details.update(identity=self.name, tenant=self.tenant_id, client_id=self.client_id, resource=resource)
        if not isinstance(identity, ManagedIdentity):
            raise IdentityNotAssigned
        check_known(self._client.directory, resource, tenant=self.tenant_id)
        return self._client.host.token(identity, resource)


def account_of(
    client: TokenClient,
    identity: User | Application | ManagedIdentity,
    *,
    tenant_id: str | None = None,
    assertion: str | None = None,
) -> Account:
    """Return the account of a user, an application with its newest secret, or a managed identity; sends no request.

    `tenant_id` is by default their own tenant. An application may have an `assertion` of an issuer that it is
    federated with. Raises ValueError for an application that has neither a secret nor an assertion.
    """
    match identity:
        case User():
            return user_account(client, identity, client.authority.sign_in(identity, mfa=True), tenant_id=tenant_id)
        case Application():
            if assertion:
                form = {"client_assertion": assertion, "client_assertion_type": client_assertions.TYPE}
            elif identity.secrets:
                form = {"client_secret": identity.secrets[-1].value}
            else:
                raise ValueError(f"the application {identity.name!r} has no secret to sign in with")
            return ServicePrincipalAccount(client, identity.client_id, lambda _: form, tenant_id or identity.tenant_id)
        case ManagedIdentity():
            return ManagedIdentityAccount(client, identity)


def user_account(client: TokenClient, user: User, sign_in: SignIn, *, tenant_id: str | None = None) -> UserAccount:
    """Return the account of a user who has signed in."""
    now = client.clock.now()
    refresh_token = RefreshToken(
        client_id=client.client_id,
        sign_in=sign_in,
        scope="",
        resource="",
        issued=now,
        started=now,
        public=True,
        family=True,
    )
    value = client.authority.context.issued.refresh_token(refresh_token)
    return UserAccount(client, user, value, tenant_id or user.tenant_id)


def managed_identity_account(client: TokenClient, parameters: Mapping[str, str]) -> ManagedIdentityAccount:
    """Return the account of the identity that a request to the host with these parameters selects.

    Raises the host's refusal if there is none, or if the parameters select more than one.
    """
    return ManagedIdentityAccount(client, client.host.select(parameters))
