"""Who acts for whom: how a client proved who it is, how a user signed in, and what the one may do for the other."""

import uuid
from dataclasses import dataclass, field
from enum import Enum

from azcred_emulators.clouds import PUBLIC, Cloud
from azcred_emulators.directory import Application, User


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
    """A user who lets a client use a resource: what delegated tokens are made of.

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
