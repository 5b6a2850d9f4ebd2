"""Every command of the fake `az`, with the texts of the real one's help."""

from azcred_emulators.executables.azure_cli import account
from azcred_emulators.executables.azure_cli.command import SUBSCRIPTION, Argument, Command, CommandGroup
from azcred_emulators.executables.azure_cli.command_table import CommandTable
from azcred_emulators.executables.azure_cli.login import login
from azcred_emulators.executables.azure_cli.version import show_versions

_MANAGED_IDENTITY = "Managed Identity Arguments"

COMMANDS = CommandTable(
    Command(
        name="login",
        summary="Log in to Azure.",
        description="""\
By default, this command logs in with a user account. Azure CLI uses Web Account Manager (WAM) on Windows, and \
browser-based login on Linux and macOS by default. If WAM or a web browser is not available, Azure CLI will fall \
back to device code login.

[WARNING] Authentication with username and password in the command line is strongly discouraged. Use one of the \
recommended authentication methods based on your requirements. For more details, see \
https://go.microsoft.com/fwlink/?linkid=2276314

[WARNING] `--password` no longer accepts a service principal certificate. Use `--certificate` to pass a service \
principal certificate.

To log in with a service principal, specify --service-principal.

To log in with a managed identity, specify --identity.

For more details, see https://learn.microsoft.com/cli/azure/authenticate-azure-cli.""",
        run=login,
        arguments=(
            Argument(
                ("--allow-no-subscriptions",),
                "Support accessing tenants without subscriptions. It's useful to run tenant-level commands, "
                "such as 'az ad'.",
                flag=True,
            ),
            Argument(("--certificate",), "PEM file with key and public certificate."),
            Argument(
                ("--claims-challenge",),
                "Base64-encoded claims challenge requested by a resource API in the WWW-Authenticate header.",
            ),
            Argument(
                ("--federated-token",),
                "Federated token that can be used for OIDC token exchange.",
                name="client_assertion",
            ),
            Argument(
                ("--password", "-p"),
                "User password or service principal secret. Will prompt if not given.",
            ),
            Argument(
                ("--scope",),
                "Used in the /authorize request. It can cover only one static resource.",
                nargs="+",
            ),
            Argument(("--service-principal",), "Log in with a service principal.", flag=True),
            Argument(
                ("--skip-subscription-discovery", "--skip-sub"),
                "Skip the subscription discovery process during login. Requires --tenant. Use with "
                "--subscription to fetch a single subscription without listing all.",
                flag=True,
            ),
            Argument(
                ("--subscription", "-s"),
                "Subscription ID or name to set as the default. When combined with "
                "--skip-subscription-discovery, only this subscription is retrieved via a direct API call (must "
                "be a subscription ID, not a name).",
            ),
            Argument(
                ("--tenant", "-t"), "The Microsoft Entra tenant, must be provided when using a service principal."
            ),
            Argument(
                ("--use-cert-sn-issuer",),
                "Use Subject Name + Issuer (SN+I) authentication in order to support automatic certificate rolls.",
                flag=True,
            ),
            Argument(
                ("--use-device-code",),
                "Use device code flow. Azure CLI will also use this if it can't launch a browser, e.g. in remote "
                "SSH or Cloud Shell.",
                flag=True,
            ),
            Argument(("--username", "-u"), "User name or service principal client ID."),
            Argument(("--client-id",), "Client ID of the user-assigned managed identity.", group=_MANAGED_IDENTITY),
            Argument(("--identity", "-i"), "Log in using managed identity.", flag=True, group=_MANAGED_IDENTITY),
            Argument(("--object-id",), "Object ID of the user-assigned managed identity.", group=_MANAGED_IDENTITY),
            Argument(("--resource-id",), "Resource ID of the user-assigned managed identity.", group=_MANAGED_IDENTITY),
        ),
        examples=(
            ("Log in interactively.", "az login"),
            (
                "Log in with username and password. This doesn't work with Microsoft accounts or accounts that "
                "have two-factor authentication enabled. Use -p=secret if the first character of the password is "
                "'-'.",
                "az login --username johndoe@contoso.com --password VerySecret",
            ),
            (
                "Log in with a service principal using client secret. Use --password=secret if the first "
                "character of the password is '-'.",
                "az login --service-principal --username APP_ID --password CLIENT_SECRET --tenant TENANT_ID",
            ),
            (
                "Log in with a service principal using certificate.",
                "az login --service-principal --username APP_ID --certificate /path/to/cert.pem --tenant TENANT_ID",
            ),
            ("Log in with a system-assigned managed identity.", "az login --identity"),
            (
                "Log in with a user-assigned managed identity's client ID.",
                "az login --identity --client-id 00000000-0000-0000-0000-000000000000",
            ),
            (
                "Log in with a user-assigned managed identity's resource ID.",
                "az login --identity --resource-id /subscriptions/00000000-0000-0000-0000-000000000000/"
                "resourceGroups/MyResourceGroup/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
                "MyIdentity",
            ),
            (
                "Log in and skip subscription discovery, fetching only a single subscription (fastest for "
                "tenants with many subscriptions).",
                "az login --tenant TENANT_ID --skip-subscription-discovery --subscription SUBSCRIPTION_ID",
            ),
            (
                "Log in and skip subscription discovery entirely for tenant-level operations only (e.g., 'az ad').",
                "az login --tenant TENANT_ID --skip-subscription-discovery",
            ),
            (
                "Log in with full discovery but set a specific subscription as the default.",
                "az login --subscription SUBSCRIPTION_ID",
            ),
        ),
    ),
    Command(
        name="logout",
        summary="Log out to remove access to Azure subscriptions.",
        run=account.logout,
        arguments=(Argument(("--username",), "Account user, if missing, logout the current active account."),),
    ),
    CommandGroup(name="account", summary="Manage Azure subscription information."),
    Command(
        name="account clear",
        summary="Clear all subscriptions from the CLI's local cache.",
        description="To clear the current subscription, use 'az logout'.",
        run=account.clear,
    ),
    Command(
        name="account get-access-token",
        summary="Get a token for utilities to access Azure.",
        description="""\
The token will be valid for at least 5 minutes with the maximum at 60 minutes. If the subscription argument isn't \
specified, the current account is used.

In the output, `expires_on` represents a POSIX timestamp and `expiresOn` represents a local datetime. It is \
recommended for downstream applications to use `expires_on` because it is in UTC.""",
        run=account.get_access_token,
        arguments=(
            SUBSCRIPTION,
            Argument(("--resource",), "Azure resource endpoints in Microsoft Entra v1.0."),
            Argument(("--resource-type",), "Type of well-known resource.", choices=tuple(account.RESOURCES)),
            Argument(
                ("--scope",),
                "Space-separated scopes in Microsoft Entra v2.0. Default to Azure Resource Manager.",
                nargs="*",
            ),
            Argument(
                ("--tenant", "-t"),
                "Tenant ID for which the token is acquired. Only available for user and service principal "
                "account, not for managed identity or Cloud Shell account.",
            ),
        ),
        examples=(
            ("Get an access token for the current account", "az account get-access-token\n"),
            (
                "Get an access token for a specific subscription",
                "az account get-access-token --subscription 00000000-0000-0000-0000-000000000000\n",
            ),
            (
                "Get an access token for a specific tenant",
                "az account get-access-token --tenant 00000000-0000-0000-0000-000000000000\n",
            ),
            (
                "Get an access token to use with MS Graph API",
                "az account get-access-token --resource-type ms-graph\n",
            ),
        ),
    ),
    Command(
        name="account list",
        summary="Get a list of subscriptions for the logged in account. By default, only 'Enabled' subscriptions "
        "from the current cloud is shown.",
        run=account.list_all,
        arguments=(
            Argument(
                ("--all",),
                "List all subscriptions from all clouds, including subscriptions that are not 'Enabled'.",
                flag=True,
            ),
            Argument(("--refresh",), "Retrieve up-to-date subscriptions from server.", flag=True),
        ),
        policy=False,
        table=account.rows,
    ),
    Command(
        name="account set",
        summary="Set a subscription to be the current active subscription.",
        run=account.set_default,
        arguments=(Argument(SUBSCRIPTION.options, SUBSCRIPTION.help, name="subscription", required=True),),
    ),
    Command(
        name="account show",
        summary="Get the details of a subscription.",
        description="If the subscription isn't specified, shows the details of the default subscription.",
        run=account.show,
        arguments=(SUBSCRIPTION,),
        policy=False,
    ),
    Command(
        name="version",
        summary="Show the versions of Azure CLI modules and extensions in JSON format by default or format "
        "configured by --output.",
        run=show_versions,
        arguments=(
            Argument(
                ("--subscription",),
                "Name or ID of subscription. You can configure the default subscription using `az account set -s "
                "NAME_OR_ID`.",
                group="Global Arguments",
            ),
        ),
    ),
)
