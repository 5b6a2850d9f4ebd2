"""Who is signed in to a developer tool, and the tokens that the tool gets for them.

A tool asks the token service itself, in the process of the emulators: whatever an application or user may not do,
it may not do through a tool either, and is told so in the same words. Tokens are kept as msal keeps them.
"""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import assertions
from azcred_emulators.authority.grants.request import TokenRequest
from azcred_emulators.authority.grants.response import Answer
from azcred_emulators.authority.grants.table import GRANTS
from azcred_emulators.authority.issued import RefreshToken
from azcred_emulators.authority.service import Authority
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC
from azcred_emulators.directory import Application, Directory, ManagedIdentity, User
from azcred_emulators.directory.known_resources import is_known_resource
from azcred_emulators.emulation.script import Faults
from azcred_emulators.hosts.host import Host
from azcred_emulators.tokens import Token
from azcred_emulators.tokens.claims import CAE_CAPABILITY
from azcred_emulators.tokens.delegation import SignIn

_NEARLY_OVER = 300.0  # seconds before a token's end at which msal does not hand it out any more
_WORTH_REFRESHING = 7200.0  # seconds; of tokens that live longer, msal renews those that are past half their life

Details = dict[str, object]
Credentials = Callable[[str], Mapping[str, str]]  # from the tenant to the part of a request that proves who it is


@dataclass(frozen=True, slots=True)
class _Held:
    """A token in an account's cache, and from when on msal tries for a newer one; epoch seconds."""

    token: Token
    refresh_on: float


class Account(ABC):
    """Someone who is signed in to a tool: `name` is a user's, or a client id; and the tenant they signed in to."""

    name: str
    tenant_id: str

    @abstractmethod
    def token(self, scope: str, details: Details, *, tenant: str | None = None, claims: str | None = None) -> Token:
        """Return a token for a scope such as "https://vault.azure.net/.default".

        `tenant` is a GUID or a domain, by default the account's, `claims` the JSON of a claims challenge, which no
        token from before can meet. What the journal should know goes into `details`. Raises EntraError,
        TokenServiceFailed or IdentityNotFound.
        """


class _Remembering(Account):
    """An account whose tokens the tool keeps and renews."""

    def __init__(self, accounts: "Accounts", name: str, tenant_id: str) -> None:
        self.name = name
        self.tenant_id = tenant_id
        self._accounts = accounts
        self._held: dict[tuple[str, str], _Held] = {}

    def token(self, scope: str, details: Details, *, tenant: str | None = None, claims: str | None = None) -> Token:
        """Return the token that is kept, or a new one if that is nearly over or half its long life is."""
        key = (tenant or self.tenant_id, scope)
        now = self._accounts.clock.now()
        held = self._held.get(key)
        usable = held if held and not claims and now < held.token.expires_on - _NEARLY_OVER else None
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
        self._held[key] = _Held(answer.token, refresh_on)
        return answer.token

    def inherit(self, earlier: "_Remembering | None") -> None:
        """Take over the tokens of an earlier sign-in, as msal's cache knows accounts, not sign-ins."""
        if earlier is not None:
            self._held |= earlier._held

    @abstractmethod
    def _describe(self, details: Details) -> None:
        """Tell the journal who it is."""

    @abstractmethod
    def _redeem(self, scope: str, tenant: str, claims: str | None, details: Details) -> Answer:
        """Ask the token service."""


class UserAccount(_Remembering):
    """A user, for whom the tool has a refresh token."""

    def __init__(self, accounts: "Accounts", user: User, refresh_token: str, tenant_id: str) -> None:
        super().__init__(accounts, user.principal_name, tenant_id)
        self.object_id = user.object_id
        self._refresh_token = refresh_token

    def _describe(self, details: Details) -> None:
        details.update(identity=self.name, tenant=self.tenant_id, client_id=self._accounts.client_id)

    def _redeem(self, scope: str, tenant: str, claims: str | None, details: Details) -> Answer:
        form = {"refresh_token": self._refresh_token, "scope": delegated_scope(scope)}
        answer = self._accounts.redeem("refresh_token", tenant, form, details, claims=claims)
        self._refresh_token = answer.refresh_token or self._refresh_token
        return answer


class ServicePrincipalAccount(_Remembering):
    """An application; `credentials` prove who it is."""

    def __init__(self, accounts: "Accounts", client_id: str, credentials: Credentials, tenant_id: str) -> None:
        super().__init__(accounts, client_id, tenant_id)
        self._credentials = credentials

    def _describe(self, details: Details) -> None:
        principal = self._accounts.directory.principal(self.name)
        details.update(identity=principal and principal.name, tenant=self.tenant_id, client_id=self.name)

    def _redeem(self, scope: str, tenant: str, claims: str | None, details: Details) -> Answer:
        form = {"client_id": self.name, "scope": scope, **self._credentials(tenant)}
        return self._accounts.redeem("client_credentials", tenant, form, details, claims=claims)


class ManagedIdentityAccount(Account):
    """A managed identity of the machine, for which the tool asks its host every time."""

    def __init__(self, accounts: "Accounts", identity: ManagedIdentity) -> None:
        self.name = identity.name
        self.tenant_id = identity.tenant_id
        self.client_id = identity.client_id
        self.system_assigned = identity.system_assigned
        self._accounts = accounts

    def token(self, scope: str, details: Details, *, tenant: str | None = None, claims: str | None = None) -> Token:
        """Return a token from the host, which keeps them itself."""
        identity = self._accounts.directory.principal(self.client_id)
        resource = scope.removesuffix("/.default")
        details.update(identity=self.name, tenant=self.tenant_id, client_id=self.client_id, resource=resource)
        if not isinstance(identity, ManagedIdentity):
            raise IdentityNotFound
        if not is_known_resource(resource, self._accounts.directory):
            raise EntraError(500011, resource=resource, tenant=self.tenant_id)
        return self._accounts.host.token(identity, resource)


class IdentityNotFound(Exception):
    """The machine does not have this managed identity, or none at all."""

    def __init__(self) -> None:
        super().__init__("Identity not found")


class TokenServiceFailed(Exception):
    """The token service answers nothing that a tool can use, but a status such as 503."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP Error: {status}")
        self.status = status


Refusal = EntraError | TokenServiceFailed


class Accounts:
    """Signs people, applications and managed identities in to a tool, whose client id is `client_id`.

    `host` is where it finds managed identities. `refusals` are what the token service answers the tool's next
    requests, whoever is signed in: `refusals.add(EntraError(50076))`. What the tool still keeps it does not ask for.
    """

    def __init__(self, authority: Authority, host: Host, clock: Clock, client_id: str) -> None:
        self.authority = authority
        self.host = host
        self.clock = clock
        self.client_id = client_id
        self.refusals: Faults[Refusal] = Faults()

    @property
    def directory(self) -> Directory:
        """The emulated tenants."""
        return self.authority.stores.directory

    def sign_in(
        self,
        who: User | Application | ManagedIdentity,
        *,
        tenant_id: str | None = None,
        assertion: str | None = None,
    ) -> Account:
        """Sign a user, an application with its newest secret, or a managed identity in, without asking for anything.

        `tenant_id` is by default their own. An application may have an `assertion` of an issuer that it is federated
        with. Raises ValueError for one that has neither.
        """
        match who:
            case User():
                return self.user(who, self.authority.sign_in(who, mfa=True), tenant_id=tenant_id)
            case Application():
                if assertion:
                    form = {"client_assertion": assertion, "client_assertion_type": assertions.TYPE}
                elif who.secrets:
                    form = {"client_secret": who.secrets[-1].value}
                else:
                    raise ValueError(f"the application {who.name!r} has no secret to sign in with")
                return self.service_principal(who.client_id, lambda _: form, tenant_id=tenant_id or who.tenant_id)
            case ManagedIdentity():
                return ManagedIdentityAccount(self, who)

    def user(self, user: User, sign_in: SignIn, *, tenant_id: str | None = None) -> UserAccount:
        """Return the account of a user who has signed in."""
        now = self.clock.now()
        held = RefreshToken(
            client_id=self.client_id,
            sign_in=sign_in,
            scope="",
            resource="",
            issued=now,
            started=now,
            public=True,
            family=True,
        )
        value = self.authority.stores.issued.refresh_token(held)
        return UserAccount(self, user, value, tenant_id or user.tenant_id)

    def service_principal(self, client_id: str, credentials: Credentials, *, tenant_id: str) -> ServicePrincipalAccount:
        """Return the account of an application."""
        return ServicePrincipalAccount(self, client_id, credentials, tenant_id)

    def managed_identity(self, parameters: Mapping[str, str]) -> ManagedIdentityAccount:
        """Return the account of the identity that a request to the host with these parameters means.

        Raises HostError if there is none, or if the host cannot decide.
        """
        return ManagedIdentityAccount(self, self.host.select(parameters))

    def redeem(
        self, grant: str, tenant: str, form: Mapping[str, str], details: Details, *, claims: str | None = None
    ) -> Answer:
        """Answer a request of the tool to the token service, as a client that understands claims challenges.

        `claims` is the JSON of one. Raises EntraError, or TokenServiceFailed.
        """
        if refusal := self.refusals.take():
            raise refusal
        name, found = self.authority.find_tenant(tenant)
        details["tenant"] = name
        common = {
            "grant_type": grant,
            "client_id": self.client_id,
            "claims": with_capabilities(claims),
            "client_info": "1",
        }
        request = TokenRequest(
            form={**common, **form},
            server_name=PUBLIC.authority_host,
            version=2,
            tenant_name=name,
            tenant=found,
            cloud=PUBLIC,
            now=self.clock.now(),
            origin=None,
            stores=self.authority.stores,
            details=details,
        )
        return GRANTS[grant](request)

    def describe(self, error: EntraError) -> str:
        """Return the text of a refusal as the token service sends it: with the ids and the time of the request."""
        body = error.body(now=self.clock.now(), trace_id=str(uuid.uuid4()), correlation_id=str(uuid.uuid4()))
        return str(body["error_description"])


def with_capabilities(claims: str | None) -> str:
    """Return the parameter `claims` of a client that understands claims challenges, with the one it answers, if any.

    Raises EntraError if that is no JSON object.
    """
    try:
        wanted = json.loads(claims or "{}")
        wanted.setdefault("access_token", {})["xms_cc"] = {"values": [CAE_CAPABILITY]}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise EntraError(9002313) from error
    return json.dumps(wanted)


def delegated_scope(scope: str) -> str:
    """Return the scope that msal asks for on behalf of a user."""
    return f"{scope} offline_access openid profile"
