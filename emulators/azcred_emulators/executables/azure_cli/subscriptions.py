"""Subscriptions as `az` notes them in its profile and prints them: whose they are, and who may see which."""

from collections.abc import Mapping, Sequence

from azcred_emulators.directory import Directory, ManagedIdentity, Principal, Subscription, Tenant, User
from azcred_emulators.executables.accounts import Account, UserAccount
from azcred_emulators.executables.azure_cli.command import Call
from azcred_emulators.executables.azure_cli.signed_in import TENANT_LEVEL, Entry, entry

SYSTEM_ASSIGNED, USER_ASSIGNED = MANAGED_IDENTITIES = ("systemAssignedIdentity", "userAssignedIdentity")
_KINDS = {"MSIClient": "client_id", "MSIObject": "object_id", "MSIResource": "msi_res_id"}


def selector(information: str) -> Mapping[str, str]:
    """Return the parameters of a request to the host for an identity as the profile notes it: "MSIClient-<id>"."""
    kind, _, value = information.partition("-")
    return {_KINDS[kind]: value} if kind in _KINDS else {}


def user_of(account: Account, who: User | Principal) -> dict[str, object]:
    """Return the `user` of an account's subscriptions."""
    if isinstance(who, ManagedIdentity):
        name = SYSTEM_ASSIGNED if who.system_assigned else USER_ASSIGNED
        information = "MSI" if who.system_assigned else f"MSIClient-{who.client_id}"
        return {"name": name, "type": "servicePrincipal", "assignedIdentityInfo": information}
    return user_entry(account)


def user_entry(account: Account, *, sn_issuer: bool = False) -> dict[str, object]:
    kind = "user" if isinstance(account, UserAccount) else "servicePrincipal"
    user: dict[str, object] = {"name": account.name, "type": kind}
    return user | {"useCertSNIssuerAuth": True} if sn_issuer else user


def of_tenant(
    directory: Directory,
    principal: User | Principal | None,
    tenant_id: str,
    user: Mapping[str, object],
    described: Tenant | None = None,
) -> list[Entry]:
    """Return what a user or service principal may see in a tenant, as subscriptions of the profile."""
    found: Sequence[Subscription] = ()
    if principal is not None:
        found = directory.subscriptions(tenant_id, principal.object_id)
    more: dict[str, object] = {}
    if described is not None:
        more = {"tenantDefaultDomain": next(iter(described.domains), None), "tenantDisplayName": described.name}
    return [
        entry(
            one.id,
            one.name,
            tenant_id=tenant_id,
            user=user,
            state=one.state,
            homeTenantId=one.tenant_id,
            **more,
            managedByTenants=[],
        )
        for one in found
    ]


def tenant_level(tenant_id: str, user: Mapping[str, object]) -> Entry:
    """Return what stands for a tenant without subscriptions."""
    return entry(tenant_id, TENANT_LEVEL, tenant_id=tenant_id, user=user)


def shown(one: Entry) -> Entry:
    """Return a subscription as `az login` and `az account list` print it."""
    others = {name: value for name, value in one.items() if name != "environmentName"}
    return {**others, "cloudName": one.get("environmentName")}


def refresh(call: Call) -> None:
    """Look up again what everybody who is signed in may see."""
    directory = call.accounts.directory
    before = call.signed_in.subscriptions
    kept: dict[str, Entry] = {}
    for one in before:
        user = one["user"]
        principal = directory.user(user["name"]) or directory.principal(user["name"])
        if user["name"] in MANAGED_IDENTITIES or principal is None:
            kept[one["id"]] = one
            continue
        tenants = directory.tenants_of(principal) if isinstance(principal, User) else []
        found = [new for tenant in tenants for new in of_tenant(directory, principal, tenant.id, user, tenant)]
        for new in found or of_tenant(directory, principal, one["tenantId"], user):
            kept.setdefault(new["id"], new)
    call.signed_in.replace_all(list(kept.values()))
