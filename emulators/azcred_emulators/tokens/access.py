"""What access tokens are made of: a user who lets a client act for them, or an application that acts for itself."""

import uuid
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum

from azcred_emulators.clouds import PUBLIC, Cloud
from azcred_emulators.directory import Application, Principal, User


class ClientAuthentication(Enum):
    """How a client proved who it is; the value is what `appidacr` (v1) and `azpacr` (v2) say."""

    PUBLIC = "0"
    SECRET = "1"
    CERTIFICATE = "2"  # also federated assertions and managed identities


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How and when a user proved who they are, which their tokens and the browser's session remember.

    `amr` are the methods: "pwd", "mfa"; the second factor may be newer than `auth_time`, at `mfa_time`. `id` is the
    session's (`sid`).
    """

    user_id: str
    auth_time: float
    amr: tuple[str, ...] = ("pwd",)
    mfa_time: float | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A user who lets a client use a resource: what a delegated token is made of.

    `resource` is what the client asked for and `target` the directory's application behind it, if there is one;
    `tenant_id` is the tenant that issues. `roles` are the user's in the resource, `client_roles` in the client.
    `capabilities` are what the client says it is able to ("CP1"), and `not_before` is since when, in epoch seconds,
    a claims challenge wants the token to be.
    """

    user: User
    client: Application
    sign_in: SignIn
    tenant_id: str
    resource: str
    scopes: tuple[str, ...]
    target: Application | None = None
    roles: tuple[str, ...] = ()
    client_roles: tuple[str, ...] = ()
    authentication: ClientAuthentication = ClientAuthentication.PUBLIC
    cloud: Cloud = PUBLIC
    capabilities: tuple[str, ...] = ()
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class AppOnlyAccess:
    """An application or managed identity that uses a resource for itself: what an app-only token is made of.

    `resource` is what the client asked for and `target` the directory's application behind it, if there is one, whose
    `access_token_version` decides the token's version. `tenant_id` is the tenant that issues, None for the
    principal's own. `capabilities` are what the client says it can handle ("CP1"). `host_resource_id` is the ARM id
    of the machine that a managed identity runs on. `subject` is the token's `sub` if it is not the principal's id.
    """

    principal: Principal
    resource: str
    _: KW_ONLY
    target: Application | None = None
    tenant_id: str | None = None
    authentication: ClientAuthentication = ClientAuthentication.CERTIFICATE
    cloud: Cloud = PUBLIC
    capabilities: tuple[str, ...] = ()
    host_resource_id: str | None = None
    subject: str | None = None
