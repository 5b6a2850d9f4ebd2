"""`az account` and `az logout`: tokens, subscriptions, which of them is the default, and signing out."""

from collections.abc import Sequence
from typing import Any

from azcred_emulators.clock import local_time
from azcred_emulators.executables.accounts import Account, managed_identity_account
from azcred_emulators.executables.azure_cli import login, subscriptions
from azcred_emulators.executables.azure_cli.command import CommandContext
from azcred_emulators.executables.azure_cli.errors import CliError, check_authority, cli_errors
from azcred_emulators.executables.azure_cli.output import Ordered
from azcred_emulators.executables.azure_cli.profile import NoSubscription, SubscriptionEntry
from azcred_emulators.executables.versions import Version, version
from azcred_emulators.tokens import Token

RESOURCES = {
    "oss-rdbms": "https://ossrdbms-aad.database.windows.net",
    "arm": login.RESOURCE_MANAGER,
    "aad-graph": "https://graph.windows.net/",
    "ms-graph": "https://graph.microsoft.com/",
    "batch": "https://batch.core.windows.net/",
    "media": "https://rest.media.azure.net",
    "data-lake": "https://datalake.azure.net/",
}
_EXPIRES_ON: Version = (2, 54, 0)  # the first release that prints `expires_on`


def get_access_token(context: CommandContext) -> dict[str, object]:
    """Return a token, for a resource or for scopes, of the account of a subscription or in a tenant."""
    context.details["operation"] = "token"
    arguments = context.arguments
    if arguments.subscription and arguments.tenant:
        raise CliError("Please specify only one of subscription and tenant, not both")
    resource = arguments.resource if arguments.resource is not None else RESOURCES.get(arguments.resource_type)
    scopes = arguments.scope or [f"{resource or login.RESOURCE_MANAGER}/.default"]
    entry = context.profile.find(arguments.subscription)
    token = _token(context, entry, scopes, arguments.tenant)
    return {
        "tokenType": "Bearer",
        "accessToken": token.value,
        **({"expires_on": token.expires_on} if version(context.version) >= _EXPIRES_ON else {}),
        "expiresOn": f"{local_time(token.expires_on, context.environ.get('TZ')):%Y-%m-%d %H:%M:%S.%f}",
        "tenant": arguments.tenant or entry["tenantId"],
        **({} if arguments.tenant else {"subscription": entry["id"]}),
    }


def _token(context: CommandContext, entry: SubscriptionEntry, scopes: Sequence[str], tenant: str | None) -> Token:
    name, kind = entry["user"]["name"], entry["user"]["type"]
    if name in subscriptions.MANAGED_IDENTITIES:
        return _managed_identity_token(context, entry, scopes, tenant)
    tenant_id = tenant or entry["tenantId"]
    account: Account | None
    if kind == "user":
        check_authority(context.client, tenant_id)
        account = context.profile.user(name)
        if account is None:
            raise CliError(f"User '{name}' does not exist in MSAL token cache. Run `az login`.")
        with cli_errors(context.client, tenant=tenant_id, scopes=scopes):
            return account.token(" ".join(scopes), context.details, tenant=tenant_id)
    account = context.profile.service_principal(name, tenant_id)
    if account is None:
        raise CliError(
            f"Could not retrieve credential from local cache for service principal {name}. "
            "Run `az login` for this service principal."
        )
    if account.tenant_id.lower() != tenant_id.lower():
        context.warn(
            f"Could not retrieve credential from local cache for service principal {name} under tenant {tenant_id}. "
            f"Trying credential under tenant {account.tenant_id}, assuming that is an app credential."
        )
    check_authority(context.client, tenant_id)
    with cli_errors(context.client):
        return account.token(" ".join(scopes), context.details, tenant=tenant_id)


def _managed_identity_token(
    context: CommandContext, entry: SubscriptionEntry, scopes: Sequence[str], tenant: str | None
) -> Token:
    if tenant and tenant != entry["tenantId"]:
        raise CliError(
            "For managed identity account, getting access token for non-current tenants is not supported. "
            f"The specified tenant must be the current tenant {entry['tenantId']}"
        )
    parameters = subscriptions.host_parameters(str(entry["user"].get("assignedIdentityInfo")))
    with cli_errors(context.client):
        account = managed_identity_account(context.client, parameters)
        resource = scopes[0].removesuffix("/.default").removesuffix("/user_impersonation")
        return account.token(f"{resource}/.default", context.details)


def show(context: CommandContext) -> SubscriptionEntry:
    """Return a subscription, by default the default subscription."""
    return context.profile.find(context.arguments.subscription)


def list_all(context: CommandContext) -> list[SubscriptionEntry]:
    """Return the subscriptions; those that are not enabled only with `--all`."""
    if context.arguments.refresh:
        subscriptions.refresh(context)
    entries = context.profile.subscriptions
    if not entries:
        context.warn('Please run "az login" to access your accounts.')
    enabled = [entry for entry in entries if entry.get("state") == "Enabled"]
    if not context.arguments.all and len(enabled) < len(entries):
        context.warn("A few accounts are skipped as they don't have 'Enabled' state. Use '--all' to display them.")
        entries = enabled
    return [subscriptions.listing(entry) for entry in entries]


def rows(entries: Sequence[SubscriptionEntry]) -> list[dict[str, Any]]:
    """Return the rows of `az account list --output table`."""
    columns = ("name", "cloudName", "id", "tenantId", "state", "isDefault")
    titles = ("Name", "CloudName", "SubscriptionId", "TenantId", "State", "IsDefault")
    return [Ordered((title, entry.get(name)) for title, name in zip(titles, columns, strict=True)) for entry in entries]


def set_default(context: CommandContext) -> None:
    """Make a subscription the default."""
    context.profile.set_default(context.arguments.subscription)


def clear(context: CommandContext) -> None:
    """Sign all accounts out."""
    context.profile.clear()


def logout(context: CommandContext) -> None:
    """Sign one account out, by default the one of the default subscription."""
    try:
        name = context.arguments.username or context.profile.find()["user"]["name"]
    except NoSubscription as error:
        raise CliError("There are no active accounts.") from error
    context.profile.remove(name)
