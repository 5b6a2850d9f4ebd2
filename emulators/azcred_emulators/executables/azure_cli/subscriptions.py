"""Subscriptions as `az` has them in its profile and prints them, and which of them an identity may see."""

from collections.abc import Mapping, Sequence

from azcred_emulators.directory import Directory, ManagedIdentity, Principal, Subscription, Tenant, User
from azcred_emulators.executables.accounts import Account, UserAccount
from azcred_emulators.executables.azure_cli.command import CommandContext
from azcred_emulators.executables.azure_cli.profile import TENANT_LEVEL, SubscriptionEntry, subscription_entry

SYSTEM_ASSIGNED, USER_ASSIGNED = MANAGED_IDENTITIES = ("systemAssignedIdentity", "userAssignedIdentity")
_PARAMETERS = {"MSIClient": "client_id", "MSIObject": "object_id", "MSIResource": "msi_res_id"}


def host_parameters(identity_info: str) -> Mapping[str, str]:
    """Return the parameters of a request to the host for an identity as the profile has it: "MSIClient-<id>"."""
    kind, _, value = identity_info.partition("-")
    return {_PARAMETERS[kind]: value} if kind in _PARAMETERS else {}


def profile_user(account: Account, identity: User | Principal) -> dict[str, object]:
    """Return the `user` of an account's subscriptions; for a managed identity it says how it was selected."""
    if isinstance(identity, ManagedIdentity):
        name = SYSTEM_ASSIGNED if identity.system_assigned else USER_ASSIGNED
        information = "MSI" if identity.system_assigned else f"MSIClient-{identity.client_id}"
        return {"name": name, "type": "servicePrincipal", "assignedIdentityInfo": information}
    return account_user(account)


def account_user(account: Account, *, sn_issuer: bool = False) -> dict[str, object]:
    """Return the `user` of the subscriptions of a user or an application."""
    kind = "user" if isinstance(account, UserAccount) else "servicePrincipal"
    user: dict[str, object] = {"name": account.name, "type": kind}
    return user | {"useCertSNIssuerAuth": True} if sn_issuer else user


def of_tenant(
    directory: Directory,
    identity: User | Principal | None,
    tenant_id: str,
    user: Mapping[str, object],
    tenant: Tenant | None = None,
) -> list[SubscriptionEntry]:
    """Return the subscriptions of a tenant that an identity may see; with `tenant` they have its domain and name."""
    subscriptions: Sequence[Subscription] = ()
    if identity is not None:
        subscriptions = directory.subscriptions(tenant_id, identity.object_id)
    properties: dict[str, object] = {}
    if tenant is not None:
        properties = {"tenantDefaultDomain": next(iter(tenant.domains), None), "tenantDisplayName": tenant.name}
    return [
        subscription_entry(
            subscription.id,
            subscription.name,
            tenant_id=tenant_id,
            user=user,
            state=subscription.state,
            homeTenantId=subscription.tenant_id,
            **properties,
            managedByTenants=[],
        )
        for subscription in subscriptions
    ]


def tenant_level(tenant_id: str, user: Mapping[str, object]) -> SubscriptionEntry:
    """Return what the profile has for a tenant without subscriptions."""
    return subscription_entry(tenant_id, TENANT_LEVEL, tenant_id=tenant_id, user=user)


def listing(entry: SubscriptionEntry) -> SubscriptionEntry:
    """Return a subscription as `az login` and `az account list` print it."""
    others = {name: value for name, value in entry.items() if name != "environmentName"}
    return {**others, "cloudName": entry.get("environmentName")}


def refresh(context: CommandContext) -> None:
    """Look up again which subscriptions the accounts of the profile may see."""
    directory = context.client.directory
    refreshed: dict[str, SubscriptionEntry] = {}
    for entry in context.profile.subscriptions:
        user = entry["user"]
        identity = directory.user(user["name"]) or directory.principal(user["name"])
        if user["name"] in MANAGED_IDENTITIES or identity is None:
            refreshed[entry["id"]] = entry
            continue
        tenants = directory.tenants_of(identity) if isinstance(identity, User) else []
        visible = [new for tenant in tenants for new in of_tenant(directory, identity, tenant.id, user, tenant)]
        for new in visible or of_tenant(directory, identity, entry["tenantId"], user):
            refreshed.setdefault(new["id"], new)
    context.profile.replace_all(list(refreshed.values()))
