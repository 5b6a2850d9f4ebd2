"""`az account` and `az logout`: who is signed in, which subscription is the default, and tokens."""

from collections.abc import Sequence
from typing import Any

from azcred_emulators.clock import local_time
from azcred_emulators.executables.accounts import Account
from azcred_emulators.executables.azure_cli import login, subscriptions
from azcred_emulators.executables.azure_cli.command import Call, CliError
from azcred_emulators.executables.azure_cli.output import Ordered
from azcred_emulators.executables.azure_cli.refusals import check_authority, refused
from azcred_emulators.executables.azure_cli.signed_in import Entry, NoSubscription
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
_WITH_EXPIRES_ON = (2, 54, 0)  # the first release that prints it


def get_access_token(call: Call) -> dict[str, object]:
    """Return a token, for a resource or for scopes, of the account of a subscription or in a tenant."""
    call.details["operation"] = "token"
    asked = call.arguments
    if asked.subscription and asked.tenant:
        raise CliError("Please specify only one of subscription and tenant, not both")
    resource = asked.resource if asked.resource is not None else RESOURCES.get(asked.resource_type)
    scopes = asked.scope or [f"{resource or login.RESOURCE_MANAGER}/.default"]
    found = call.signed_in.find(asked.subscription)
    token = _token(call, found, scopes, asked.tenant)
    both = _version(call.version) >= _WITH_EXPIRES_ON
    return {
        "tokenType": "Bearer",
        "accessToken": token.value,
        **({"expires_on": token.expires_on} if both else {}),
        "expiresOn": f"{local_time(token.expires_on, call.environ.get('TZ')):%Y-%m-%d %H:%M:%S.%f}",
        "tenant": asked.tenant or found["tenantId"],
        **({} if asked.tenant else {"subscription": found["id"]}),
    }


def _token(call: Call, found: Entry, scopes: Sequence[str], tenant: str | None) -> Token:
    name, kind = found["user"]["name"], found["user"]["type"]
    if name in subscriptions.MANAGED_IDENTITIES:
        return _managed_identity_token(call, found, scopes, tenant)
    where = tenant or found["tenantId"]
    account: Account | None
    if kind == "user":
        check_authority(call.accounts, where)
        account = call.signed_in.user(name)
        if account is None:
            raise CliError(f"User '{name}' does not exist in MSAL token cache. Run `az login`.")
        with refused(call.accounts, tenant=where, scopes=scopes):
            return account.token(" ".join(scopes), call.details, tenant=where)
    account = call.signed_in.service_principal(name, where)
    if account is None:
        raise CliError(
            f"Could not retrieve credential from local cache for service principal {name}. "
            "Run `az login` for this service principal."
        )
    if account.tenant_id.lower() != where.lower():
        call.warn(
            f"Could not retrieve credential from local cache for service principal {name} under tenant {where}. "
            f"Trying credential under tenant {account.tenant_id}, assuming that is an app credential."
        )
    check_authority(call.accounts, where)
    with refused(call.accounts):
        return account.token(" ".join(scopes), call.details, tenant=where)


def _managed_identity_token(call: Call, found: Entry, scopes: Sequence[str], tenant: str | None) -> Token:
    if tenant and tenant != found["tenantId"]:
        raise CliError(
            "For managed identity account, getting access token for non-current tenants is not supported. "
            f"The specified tenant must be the current tenant {found['tenantId']}"
        )
    with refused(call.accounts):
        account = call.accounts.managed_identity(subscriptions.selector(str(found["user"].get("assignedIdentityInfo"))))
        resource = scopes[0].removesuffix("/.default").removesuffix("/user_impersonation")
        return account.token(f"{resource}/.default", call.details)


def show(call: Call) -> Entry:
    """Return a subscription, by default the default one."""
    return call.signed_in.find(call.arguments.subscription)


def list_all(call: Call) -> list[Entry]:
    """Return the subscriptions, those that are not enabled only if asked for."""
    if call.arguments.refresh:
        subscriptions.refresh(call)
    entries = call.signed_in.subscriptions
    if not entries:
        call.warn('Please run "az login" to access your accounts.')
    enabled = [entry for entry in entries if entry.get("state") == "Enabled"]
    if not call.arguments.all and len(enabled) < len(entries):
        call.warn("A few accounts are skipped as they don't have 'Enabled' state. Use '--all' to display them.")
        entries = enabled
    return [subscriptions.shown(entry) for entry in entries]


def rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the rows of `az account list --output table`."""
    columns = ("name", "cloudName", "id", "tenantId", "state", "isDefault")
    titles = ("Name", "CloudName", "SubscriptionId", "TenantId", "State", "IsDefault")
    return [Ordered((title, entry.get(name)) for title, name in zip(titles, columns, strict=True)) for entry in entries]


def choose(call: Call) -> None:
    """Make a subscription the default."""
    call.signed_in.choose(call.arguments.subscription)


def clear(call: Call) -> None:
    """Sign everybody out."""
    call.signed_in.clear()


def logout(call: Call) -> None:
    """Sign one account out, by default that of the default subscription."""
    try:
        name = call.arguments.username or call.signed_in.find()["user"]["name"]
    except NoSubscription as error:
        raise CliError("There are no active accounts.") from error
    call.signed_in.remove(name)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
