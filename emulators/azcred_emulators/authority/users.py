"""Users at sign-in: which one it is, where they may sign in, and whether their password is right.

The order of the answers is Entra ID's as far as it is known: an account's state comes before its password, and
what follows from a right password after it.
"""

import hmac

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import Directory, Tenant, User
from azcred_emulators.directory.entities import CONSUMERS_TENANT_ID
from azcred_emulators.tokens.optional_claims import user_id_of


def find_by_name(directory: Directory, name: str, *, tenant: Tenant | None) -> User:
    """Return the user with this principal name, as typed in; raises EntraError if there is none.

    Where several tenants could be meant, it is the name's domain that says which.
    """
    user = directory.user(name)
    if user is None or user.principal_name.lower() != name.lower():
        _, at, domain = name.rpartition("@")
        here = tenant or directory.tenant(domain)
        if here is None:
            raise EntraError(50128 if at else 50059)
        raise EntraError(50034, tenant=here.name)
    return user


def find_user(directory: Directory, user_id: str, *, tenant: Tenant | None) -> User:
    """Return the user with this object id; raises EntraError if there is none any more."""
    user = directory.user(user_id)
    if user is None:
        raise EntraError(50034, tenant=tenant.name if tenant else "Microsoft Entra ID")
    return user


def user_of_hint(directory: Directory, hint: str) -> User | None:
    """Return the user that the parameter `login_hint` means: a name, or what the claim of that name held."""
    return directory.user(user_id_of(hint) or hint)


def check_state(user: User) -> None:
    """Raise EntraError if the account cannot be used, whatever the password."""
    if user.locked:
        raise EntraError(50053)
    if not user.enabled:
        raise EntraError(50057)


def check_password(user: User, password: str) -> None:
    """Raise EntraError if the account cannot be used or the password is not, or no longer, the user's."""
    check_state(user)
    if not user.password:
        raise EntraError(50056)
    if not hmac.compare_digest(user.password.encode(), password.encode()):
        raise EntraError(50126)
    if user.password_expired:
        raise EntraError(50055)


def tenant_of(
    directory: Directory, user: User, *, tenant: Tenant | None, tenant_name: str, client_id: str = ""
) -> Tenant:
    """Return the tenant that issues the user's tokens at an endpoint: its own, else the user's home.

    `tenant` is None where `tenant_name` is one of the shared names. Raises EntraError if the user may not sign in
    there.
    """
    home = user.tenant_id.lower()
    personal = home == CONSUMERS_TENANT_ID
    if tenant is None:
        home_tenant = directory.tenant(home)
        wrong_kind = (tenant_name == "consumers" and not personal) or (tenant_name == "organizations" and personal)
        if home_tenant is None or wrong_kind:
            raise EntraError(50020, user=user.principal_name, tenant=tenant_name, client=client_id)
        return home_tenant
    if tenant.id.lower() not in (home, *(tenant_id.lower() for tenant_id in user.guest_in)):
        raise EntraError(50020, user=user.principal_name, tenant=tenant.name, client=client_id)
    return tenant
