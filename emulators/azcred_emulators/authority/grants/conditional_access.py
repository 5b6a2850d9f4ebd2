"""Conditional Access and multifactor authentication: what must be so before a token is issued.

The answers are those of the token endpoint. A client sends the `claims` of one back when it lets the user sign in.
"""

from collections.abc import Iterator

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants.consent import is_same_resource
from azcred_emulators.directory import (
    ALL,
    Application,
    ConditionalAccessPolicy,
    Directory,
    Mfa,
    Principal,
    Tenant,
    User,
)
from azcred_emulators.durations import in_seconds
from azcred_emulators.tokens.access import SignIn

_LAPSED = 50078
_DEVICE_CONTROLS = {"compliantDevice": 53000, "domainJoinedDevice": 53001}


def check_user(
    directory: Directory,
    tenant: Tenant,
    user: User,
    sign_in: SignIn,
    *,
    resource: str,
    target: Application | None,
    now: float,
    renewal: bool = False,
    interactive: bool = False,
) -> None:
    """Raise EntraError if a policy of the tenant, or the user's own setting, forbids or wants more than the sign-in.

    `renewal` tells that the user is not there: the client presents a refresh token. `interactive` tells that the user
    is: what is missing then has codes of its own, which interrupt a sign-in rather than refuse a token.
    """
    missing = _missing_factor(tenant, user, sign_in, now=now, interactive=interactive)
    for policy in _applying(directory, tenant, resource, target):
        if not _includes(policy.include_users, user.object_id):
            continue
        if "block" in policy.built_in_controls:
            raise EntraError(53003, claims=_claims(policy))
        for control, code in _DEVICE_CONTROLS.items():
            if control in policy.built_in_controls:
                raise EntraError(code, claims=_claims(policy))
        if policy.token_protection:
            raise EntraError(530084, claims=_claims(policy))
        frequency = policy.sign_in_frequency
        if frequency and (renewal or interactive) and now >= sign_in.auth_time + in_seconds(frequency):
            raise EntraError(70043 if renewal else 70044, claims=_claims(policy))
        if "mfa" in policy.built_in_controls and missing:
            raise EntraError(missing, claims=_claims(policy), resource=resource)
    if missing and user.mfa is not Mfa.DISABLED:
        raise EntraError(missing, resource=resource)
    if missing and tenant.security_defaults:
        raise EntraError(530035 if missing != _LAPSED else missing, resource=resource)


def check_principal(
    directory: Directory, tenant: Tenant, principal: Principal, *, resource: str, target: Application | None
) -> None:
    """Raise EntraError if a policy blocks an application that acts for itself."""
    if not directory.policies():
        return
    for policy in _applying(directory, tenant, resource, target):
        if _includes(policy.include_service_principals, principal.object_id) and "block" in policy.built_in_controls:
            raise EntraError(53003, claims=_claims(policy))


def _applying(
    directory: Directory, tenant: Tenant, resource: str, target: Application | None
) -> Iterator[ConditionalAccessPolicy]:
    for policy in directory.policies():
        if not policy.enabled or policy.tenant_id.lower() != tenant.id.lower():
            continue
        names = policy.include_applications
        if ALL in names or any(is_same_resource(name, resource, target) for name in names):
            yield policy


def _includes(ids: tuple[str, ...], object_id: str) -> bool:
    return ALL in ids or object_id.lower() in (item.lower() for item in ids)


def _missing_factor(tenant: Tenant, user: User, sign_in: SignIn, *, now: float, interactive: bool) -> int | None:
    """Return the code that says what a sign-in lacks where a second factor is demanded, None if it has one."""
    if "mfa" in sign_in.amr:
        last, remember = sign_in.mfa_time or sign_in.auth_time, tenant.remember_mfa
        return _LAPSED if remember and now >= last + in_seconds(remember) else None
    if user.mfa is Mfa.ENABLED:
        return 50072 if interactive else 50079
    return 50074 if interactive else 50076


def _claims(policy: ConditionalAccessPolicy) -> dict[str, object]:
    return {"access_token": {"capolids": {"essential": True, "values": [policy.id]}}}
