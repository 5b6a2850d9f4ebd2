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

    :param id: its GUID.
    :param domains: its verified domains.
    :param name: its display name.
    :param federated_domains: domains whose users sign in at another identity provider, such as AD FS.
    :param security_defaults: True if no user signs in with a password alone, as with Entra ID's security defaults.
    :param remember_mfa: how long a second factor stays valid: a timedelta, a text such as "1 hour", or a number of
        seconds; None for as long as the sign-in.
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
    """A secret of an application.

    :param value: the secret.
    :param starts: when it becomes valid, in seconds since the epoch; None for always.
    :param expires: when it expires, in seconds since the epoch; None for never.
    """

    value: str = field(repr=False)
    starts: float | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """A token issuer that an application or managed identity trusts, for exactly one subject and audience.

    :param issuer: the URL of the issuer.
    :param subject: the subject.
    :param audience: the audience.
    """

    issuer: str
    subject: str
    audience: str = TOKEN_EXCHANGE_AUDIENCE


@dataclass(frozen=True, slots=True)
class TrustedSubject:
    """Trust in every certificate with this subject name from this authority (subject name and issuer trust).

    The client must send the chain (`x5c`).

    :param name: the common name of the certificate.
    :param authority: the certificate of the authority.
    """

    name: str
    authority: x509.Certificate


@dataclass(frozen=True, slots=True)
class PermissionGrant:
    """Consent: scopes of a resource that a client may use on behalf of users (Graph: `oauth2PermissionGrant`).

    :param resource: any name of the resource; "*" for all resources.
    :param scopes: the scopes; "*" for all scopes.
    :param principal_id: the object id of the user who consents; None for an administrator, who consents for all users.
    """

    resource: str
    scopes: tuple[str, ...]
    principal_id: str | None = None


ADMIN_CONSENT = PermissionGrant("*", ("*",))
"""An administrator's consent for all users, to all scopes of all resources."""


@dataclass(frozen=True, slots=True)
class AppRoleAssignment:
    """A role of an application, user or group in a resource.

    :param resource: any name of the resource.
    :param role: the role; "" for access to the resource without a role.
    """

    resource: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class OptionalClaims:
    """The optional claims that an application has in its tokens.

    :param id_token: the names of the claims in id tokens.
    :param access_token: the names of the claims in access tokens.
    """

    id_token: tuple[str, ...] = ()
    access_token: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTimes:
    """How long the tokens of an application or managed identity are valid, and by which clock.

    Each duration is a timedelta, a text such as "5 min", or a number of seconds.

    :param lifetime: how long a token lasts; None for the usual time.
    :param refresh_in: after which time a client should request a new token; None for the usual time.
    :param clock_skew: how far the issuer's clock is ahead of the app's; may be negative.
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

    Three fields decide how strict the emulator is: `reusable_refresh_tokens`, `single_use_assertions` and
    `maximum_repetitions`.

    :param name: its display name.
    :param tenant_id: the GUID of its tenant.
    :param client_id: its client id.
    :param object_id: the object id of its service principal.
    :param enabled: False if it is disabled.
    :param secrets: the secrets with which it authenticates.
    :param certificates: the certificates with which it authenticates.
    :param trusted_subjects: the subject names of certificates with which it authenticates.
    :param federated_credentials: the token issuers whose assertions it authenticates with.
    :param public_client: True if it does not authenticate.
    :param redirect_uris: those of a desktop app if it is public, otherwise of a web app.
    :param spa_redirect_uris: those of a single-page app.
    :param multi_tenant: True if users of every tenant can use it.
    :param service_principal_in: the GUIDs of other tenants in which a multi-tenant application can act for itself.
    :param permission_grants: the consents that it has.
    :param required_resource_access: the resources for which it may have tokens; None for all.
    :param id_token_issuance: True if `/authorize` itself returns id tokens (Graph: `implicitGrantSettings`).
    :param access_token_issuance: True if `/authorize` itself returns access tokens (Graph: `implicitGrantSettings`).
    :param app_role_assignments: its roles in resources.
    :param family: True for Microsoft's own developer tools, which share refresh tokens.
    :param agent_blueprint: for an agent identity, the client id of its blueprint, whose tokens it authenticates with.
    :param reusable_refresh_tokens: True if a refresh token can be used again, as in Entra ID.
    :param single_use_assertions: True if the `jti` of a client assertion may be used once only. msal sends each
        assertion for nine minutes.
    :param maximum_repetitions: how often the same token request may come within five minutes before it counts as a
        loop; None for no limit. Entra ID does not document its own limit.
    :param identifier_uris: as a resource: the names under which clients request tokens for it.
    :param access_token_version: as a resource: the version of its access tokens, 1 or 2.
    :param oauth2_permission_scopes: as a resource: the scopes that can be granted.
    :param admin_consent_scopes: as a resource: the scopes that only an administrator can grant.
    :param app_roles: as a resource: the roles that can be assigned.
    :param app_role_assignment_required: as a resource: True if clients and users need a role.
    :param optional_claims: the optional claims in its tokens.
    :param group_membership_claims: "All", "SecurityGroup" or "DirectoryRole" to put `groups` or `wids` into its tokens.
    :param token_times: the times of the tokens that it gets as a client, for itself or for a user.
    :raises ValueError: a redirect URI is one that a browser would run.
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
        """Every name under which clients can request a token for it."""
        return (self.client_id, f"api://{self.client_id}", *self.identifier_uris)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedIdentity:
    """A managed identity.

    :param name: its name.
    :param tenant_id: the GUID of its tenant.
    :param resource_id: the ARM id of the identity, or of its host if it is system-assigned.
    :param client_id: its client id.
    :param object_id: its object id, also called principal id.
    :param system_assigned: True if it is system-assigned.
    :param federated_credentials: the token issuers whose assertions it authenticates with.
    :param app_role_assignments: its roles in resources.
    :param token_times: the times of its tokens.
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
    """A user of the tenant.

    :param name: the display name.
    :param tenant_id: the GUID of the tenant.
    :param principal_name: the user principal name, such as "dana@contoso.com".
    :param object_id: the object id.
    :param password: the password; a user with "" cannot sign in with a password.
    :param given_name: the first name.
    :param surname: the last name.
    :param mail: the e-mail address.
    :param enabled: False if the account is disabled.
    :param locked: True if the account is locked.
    :param password_expired: True if the password has expired.
    :param mfa: whether the user needs a second factor.
    :param member_of: the object ids of the user's groups.
    :param directory_roles: the template ids of the user's roles.
    :param app_role_assignments: the user's roles in resources.
    :param guest_in: the GUIDs of other tenants in which the user is a guest.
    :param tokens_valid_from: refresh tokens from before this time are revoked (Graph:
        `signInSessionsValidFromDateTime`), in seconds since the epoch.
    :param agent_identity: for the account of an agent, the client id of its agent identity.
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
    """A security group. Its members have its role assignments.

    :param name: its name.
    :param tenant_id: the GUID of its tenant.
    :param object_id: its object id.
    :param app_role_assignments: its roles in resources.
    """

    name: str
    tenant_id: str
    object_id: str = field(default_factory=_new_id)
    app_role_assignments: tuple[AppRoleAssignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalAccessPolicy:
    """A Conditional Access policy: whom it applies to, for which resources, and what it requires.

    :param name: its name.
    :param tenant_id: the GUID of its tenant.
    :param id: its id.
    :param enabled: False if it is disabled.
    :param include_users: object ids of users; ("All",) for all.
    :param include_service_principals: object ids of service principals; ("All",) for all.
    :param include_applications: names of resources; ("All",) for all.
    :param built_in_controls: those of Graph: "block", "mfa", "compliantDevice", "domainJoinedDevice".
    :param sign_in_frequency: how long a sign-in is valid: a timedelta, a text such as "1 hour", or a number of seconds.
    :param token_protection: True to require tokens that are bound to a device. No client of the emulators has these.
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
    """An Azure subscription.

    :param name: its name.
    :param tenant_id: the GUID of its tenant.
    :param id: its id.
    :param state: the state of Azure Resource Manager: "Enabled", "Disabled", "Warned", "PastDue" or "Deleted".
    :param readers: the object ids that can see it; ("All",) for all identities of the tenant.
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
