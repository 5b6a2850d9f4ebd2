"""Tenants by the name that an endpoint's path begins with."""

import re

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.errors.entra_error import is_guid
from azcred_emulators.directory import Directory, Tenant

# Names that stand for more than one tenant.
SHARED_TENANTS = ("common", "organizations", "consumers")
_DOMAIN = re.compile(r"^[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)+$")


def find(directory: Directory, name: str, *, error: str | None = None) -> Tenant:
    """Return the tenant with this GUID or domain; raises EntraError, as OAuth's `error` if given, if there is none."""
    tenant = directory.tenant(name)
    if tenant is None:
        known_form = is_guid(name) or _DOMAIN.match(name)
        raise EntraError(90002 if known_form else 900023, error=error, tenant=name)
    return tenant


def resolve(directory: Directory, name: str, *, error: str | None = None) -> tuple[str, Tenant | None]:
    """Return the GUID and the tenant that an endpoint's first segment names, or the shared name and None.

    Raises EntraError, as OAuth's `error` if given, if there is no such tenant.
    """
    if name.lower() in SHARED_TENANTS:
        return name.lower(), None
    tenant = find(directory, name, error=error)
    return tenant.id, tenant
