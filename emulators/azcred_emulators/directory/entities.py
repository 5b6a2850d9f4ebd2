"""The entities of a directory as plain data: tenants, applications, managed identities, users, groups and policies.

Names are those of Microsoft Graph and of the application manifest. Times are epoch seconds. A duration may be given
as a timedelta, as text such as "5 min" or in seconds; it becomes a timedelta.
"""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from cryptography import x509

from azcred_emulators.durations import Duration, as_timedelta
from azcred_emulators.serving.urls import is_executable

TOKEN_EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
TOKEN_EXCHANGE_APPLICATION_ID = "fb60f99c-7a34-4190-8149-302f77469936"  # the `aud` of Entra ID's own tokens for it
CONSUMERS_TENANT_ID = "9188040d-6c67-4c5b-b112-36a304b66dad"  # where personal Microsoft accounts live
ALL = "All"
"""In a conditional access policy: all users, or all resources."""


def _new_id() -> str:
    return str(uuid.uuid4())


def _read_durations(entity: object, *names: str, negative: bool = False) -> None:
    """Make timedeltas of an entity's durations; raises ValueError, with the field's name, for one that is none."""
    for name in names:
        duration = getattr(entity, name)
        if duration is not None:
            try:
                object.__setattr__(entity, name, as_timedelta(duration, negative=negative))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of Entra ID, found by its GUID or by any of its verified domains.

    Users of `federated_domains` sign in at another identity provider such as AD FS. With `security_defaults` no user
    signs in with a password alone, as with Entra ID's security defaults. `remember_mfa` is how long a second factor
    stays valid, None for as long as the sign-in.
    """

    id: str
    domains: tuple[str, ...] = ()
    name: str = "Contoso"
    federated_domains: tuple[str, ...] = ()
    security_defaults: bool = False
    remember_mfa: Duration | None = None

    def __post_init__(self) -> None:
        _read_durations(self, "remember_mfa")


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A secret of an application; it has no start or no end if `starts` or `expires` is None."""

    value: str = field(repr=False)
    starts: float | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """A token issuer that an application or managed identity trusts, for exactly one subject and audience."""

    issuer: str
    subject: str
    audience: str = TOKEN_EXCHANGE_AUDIENCE


@dataclass(frozen=True, slots=True)
class TrustedSubject:
    """Trust in every certificate with this subject name that the authority has issued (subject name and issuer trust).

    `name` is the certificate's common name. The client must send the chain (`x5c`).
    """

    name: str
    authority: x509.Certificate


@dataclass(frozen=True, slots=True)
class PermissionGrant:
    """Consent: scopes of a resource that a client may use on behalf of users (Graph: `oauth2PermissionGrant`).

    `resource` is any name of the resource, "*" for all resources; in `scopes`, "*" is all scopes. An administrator
    consents for all users (`principal_id` None), a user for themself.
    """

    resource: str
    scopes: tuple[str, ...]
    principal_id: str | None = None


ADMIN_CONSENT = PermissionGrant("*", ("*",))
"""An administrator's consent for all users, to all scopes of all resources."""


@dataclass(frozen=True, slots=True)
class AppRoleAssignment:
    """A role of an application, user or group in a resource; with no `role`, access to the resource alone."""

    resource: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class OptionalClaims:
    """The names of the claims that an application asks for in its tokens."""

    id_token: tuple[str, ...] = ()
    access_token: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTimes:
    """How long the tokens of an application or managed identity are valid, and by which clock.

    After `refresh_in` a client should ask for a new token. `lifetime` and `refresh_in` are None for the usual values.
    `clock_skew` is how far the issuer's clock is ahead of the app's; it may be negative.
    """

    lifetime: Duration | None = None
    refresh_in: Duration | None = None
    clock_skew: Duration = timedelta(0)

    def __post_init__(self) -> None:
        _read_durations(self, "lifetime", "refresh_in")
        _read_durations(self, "clock_skew", negative=True)
        if self.lifetime == timedelta(0):
            raise ValueError("a token lasts longer than no time at all; give `lifetime` more than 0 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application with its service principal in the tenant.

    As a client: it authenticates with `secrets`, `certificates`, `trusted_subjects` and `federated_credentials`; a
    `public_client` does not authenticate. Its `redirect_uris` are those of a desktop app if it is public, else of a web
    app. `permission_grants` are the consents that it has. A `multi_tenant` application has users in every tenant, and
    acts for itself in the tenants of `service_principal_in`. Microsoft's own developer tools are a `family`, which
    shares refresh tokens. `required_resource_access` names the resources for which it may have tokens, None for all.
    With `id_token_issuance` and `access_token_issuance` it gets such tokens from `/authorize` itself (Graph:
    `implicitGrantSettings`).

    An agent identity has the client id of its `agent_blueprint`; it authenticates with the blueprint's tokens only.

    As a resource: `identifier_uris` are the names under which clients ask for tokens for it, `access_token_version`
    (1 or 2) is the version of these tokens. `oauth2_permission_scopes` and `app_roles` can be granted,
    `admin_consent_scopes` by an administrator only. `group_membership_claims` ("All",
    "SecurityGroup", "DirectoryRole") puts `groups` or `wids` into its tokens.

    `token_times` are those of the tokens that it gets as a client, for itself or for a user.

    Three settings decide how strict the emulator is. A refresh token can be used once, unless the application has
    `reusable_refresh_tokens`; in Entra ID it can be used again. With `single_use_assertions` the `jti` of a client
    assertion may occur once, although msal sends each assertion for nine minutes. `maximum_repetitions` is how often
    the same request for a token may come within five minutes before it counts as a loop, None for no limit; Entra ID
    does not document its own limit.
    """

    name: str
    tenant_id: str
    client_id: str = field(default_factory=_new_id)
    object_id: str = field(default_factory=_new_id)
    enabled: bool = True
    secrets: tuple[ClientSecret, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    trusted_subjects: tuple[TrustedSubject, ...] = ()
    federated_credentials: tuple[FederatedCredential, ...] = ()
    public_client: bool = False
    redirect_uris: tuple[str, ...] = ()
    spa_redirect_uris: tuple[str, ...] = ()
    multi_tenant: bool = False
    service_principal_in: tuple[str, ...] = ()
    permission_grants: tuple[PermissionGrant, ...] = ()
    required_resource_access: tuple[str, ...] | None = None
    id_token_issuance: bool = False
    access_token_issuance: bool = False
    app_role_assignments: tuple[AppRoleAssignment, ...] = ()
    family: bool = False
    agent_blueprint: str | None = None
    reusable_refresh_tokens: bool = False
    single_use_assertions: bool = False
    maximum_repetitions: int | None = None
    identifier_uris: tuple[str, ...] = ()
    access_token_version: int = 1
    oauth2_permission_scopes: tuple[str, ...] = ()
    admin_consent_scopes: tuple[str, ...] = ()
    app_roles: tuple[str, ...] = ()
    app_role_assignment_required: bool = False
    optional_claims: OptionalClaims = OptionalClaims()
    group_membership_claims: str | None = None
    token_times: TokenTimes = TokenTimes()

    def __post_init__(self) -> None:
        for address in (*self.redirect_uris, *self.spa_redirect_uris):
            if is_executable(address):
                raise ValueError(
                    f"{address!r} is no redirect URI: a browser would run it; give an https, http or custom scheme"
                )

    @property
    def resource_names(self) -> tuple[str, ...]:
        """Every name under which clients can ask for a token for it."""
        return (self.client_id, f"api://{self.client_id}", *self.identifier_uris)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedIdentity:
    """A managed identity; `resource_id` is the ARM id of the identity, or of its host if system-assigned.

    `token_times` are those of its tokens.
    """

    name: str
    tenant_id: str
    resource_id: str
    client_id: str = field(default_factory=_new_id)
    object_id: str = field(default_factory=_new_id)
    system_assigned: bool = False
    federated_credentials: tuple[FederatedCredential, ...] = ()
    app_role_assignments: tuple[AppRoleAssignment, ...] = ()
    token_times: TokenTimes = TokenTimes()


class Mfa(Enum):
    """Per-user multifactor authentication: not required, registered at the next sign-in, or required."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    ENFORCED = "enforced"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of the tenant, and a guest in the tenants of `guest_in`.

    A user without a `password` cannot sign in with a password. `member_of` are object ids of groups, `directory_roles`
    template ids of roles. Refresh tokens from before `tokens_valid_from` are revoked
    (Graph: `signInSessionsValidFromDateTime`). An agent's own account has the client id of its `agent_identity`.
    """

    name: str
    tenant_id: str
    principal_name: str
    object_id: str = field(default_factory=_new_id)
    password: str = field(default="", repr=False)
    given_name: str = ""
    surname: str = ""
    mail: str = ""
    enabled: bool = True
    locked: bool = False
    password_expired: bool = False
    mfa: Mfa = Mfa.DISABLED
    member_of: tuple[str, ...] = ()
    directory_roles: tuple[str, ...] = ()
    app_role_assignments: tuple[AppRoleAssignment, ...] = ()
    guest_in: tuple[str, ...] = ()
    tokens_valid_from: float = 0.0
    agent_identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A security group; its members have its role assignments."""

    name: str
    tenant_id: str
    object_id: str = field(default_factory=_new_id)
    app_role_assignments: tuple[AppRoleAssignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalAccessPolicy:
    """A Conditional Access policy: its users and service principals, its resources, and what it requires.

    `include_users` and `include_service_principals` hold object ids, `include_applications` names of resources; each
    may be ("All",). `built_in_controls` are Graph's: "block", "mfa", "compliantDevice", "domainJoinedDevice".
    `token_protection` requires tokens that are bound to a device, which no client of the emulators has.
    `sign_in_frequency` is how long a sign-in is valid.
    """

    name: str
    tenant_id: str
    id: str = field(default_factory=_new_id)
    enabled: bool = True
    include_users: tuple[str, ...] = (ALL,)
    include_service_principals: tuple[str, ...] = ()
    include_applications: tuple[str, ...] = (ALL,)
    built_in_controls: tuple[str, ...] = ()
    sign_in_frequency: Duration | None = None
    token_protection: bool = False

    def __post_init__(self) -> None:
        _read_durations(self, "sign_in_frequency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An Azure subscription; it is visible to the object ids in `readers`, ("All",) for all identities of the tenant.

    `state` is Azure Resource Manager's: "Enabled", "Disabled", "Warned", "PastDue", "Deleted".
    """

    name: str
    tenant_id: str
    id: str = field(default_factory=_new_id)
    state: str = "Enabled"
    readers: tuple[str, ...] = (ALL,)


Principal = Application | ManagedIdentity
"""What can have tokens of its own."""

Entity = Tenant | Application | ManagedIdentity | User | Group | ConditionalAccessPolicy | Subscription
"""What a directory holds."""
