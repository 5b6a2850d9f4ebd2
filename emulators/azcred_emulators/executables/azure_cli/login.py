"""`az login`: a service principal, a managed identity, a user with a password, or a person with a device code."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.errors.entra_error import is_guid
from azcred_emulators.authority.grants.device_code import VERIFICATION_URI
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import Principal, Tenant, User
from azcred_emulators.executables.accounts import (
    Account,
    ServicePrincipalAccount,
    UserAccount,
    managed_identity_account,
)
from azcred_emulators.executables.azure_cli.command import CommandContext, Unfinished
from azcred_emulators.executables.azure_cli.errors import CliError, UnexpectedError, check_authority, cli_errors
from azcred_emulators.executables.azure_cli.login_credentials import client_certificate, client_secret, federated_token
from azcred_emulators.executables.azure_cli.profile import SubscriptionEntry, is_named
from azcred_emulators.executables.azure_cli.subscriptions import (
    SYSTEM_ASSIGNED,
    USER_ASSIGNED,
    account_user,
    host_parameters,
    listing,
    of_tenant,
    tenant_level,
)
from azcred_emulators.executables.token_client import ClientCredentials, delegated_scope

RESOURCE_MANAGER = "https://management.core.windows.net/"
_SCOPE = f"{RESOURCE_MANAGER}/.default"
_PASSWORD = (
    "Starting September 1, 2025, MFA will be gradually enforced for Azure public cloud. The authentication with "
    "username and password in the command line is not supported with MFA. Consider using one of the compatible "
    "authentication methods. For more details, see https://go.microsoft.com/fwlink/?linkid=2276314"
)


def login(context: CommandContext) -> list[SubscriptionEntry]:
    """Sign an identity in and return the subscriptions that it may see."""
    context.details["operation"] = "login"
    arguments = context.arguments
    tenant = _tenant_id(context, arguments.tenant)
    _check_usage(arguments)
    if arguments.username and not arguments.service_principal:
        context.warn(_PASSWORD)
    if arguments.identity:
        return _managed_identity(context)
    if arguments.username and not (arguments.password or arguments.client_assertion or arguments.certificate):
        raise CliError("Please specify both username and password in non-interactive mode.")
    account: Account
    if arguments.service_principal:
        account = _service_principal(context, tenant)
        principal = context.client.directory.principal(account.name)
        entries = [] if arguments.skip_subscription_discovery else _entries(context, account, principal, tenant or "")
        return _finish(context, account, entries, [tenant] if tenant else [])
    account, user = _with_password(context, tenant) if arguments.username else _with_device_code(context, tenant)
    if arguments.skip_subscription_discovery:
        return _finish(context, account, [], [tenant] if tenant else [])
    if tenant:
        return _finish(context, account, _entries(context, account, user, tenant), [tenant])
    with cli_errors(context.client):
        entries, tenants = _of_every_tenant(context, account, user)
    return _finish(context, account, entries, tenants)


def _check_usage(arguments: Any) -> None:
    if any([arguments.password, arguments.service_principal, arguments.tenant]) and arguments.identity:
        raise CliError("usage error: '--identity' is not applicable with other arguments")
    if arguments.identity and arguments.username:
        raise CliError(
            "Passing the managed identity ID with --username is no longer supported. "
            "Use --client-id, --object-id or --resource-id instead."
        )
    others = [arguments.password, arguments.service_principal, arguments.username, arguments.identity]
    if any(others) and arguments.use_device_code:
        raise CliError("usage error: '--use-device-code' is not applicable with other arguments")
    if arguments.use_cert_sn_issuer and not arguments.service_principal:
        raise CliError("usage error: '--use-sn-issuer' is only applicable with a service principal")
    if arguments.service_principal and not arguments.username:
        raise CliError("usage error: --service-principal --username NAME --password SECRET --tenant TENANT")
    if arguments.skip_subscription_discovery and not arguments.tenant:
        raise CliError("usage error: '--skip-subscription-discovery' requires '--tenant'")
    if arguments.skip_subscription_discovery and arguments.subscription and not is_guid(arguments.subscription):
        raise CliError(
            "usage error: '--subscription' must be a subscription ID (GUID), not a name, "
            "when combined with '--skip-subscription-discovery'."
        )


def _tenant_id(context: CommandContext, tenant: str | None) -> str | None:
    """Return the GUID of a tenant that may be named by a domain."""
    if tenant is None or is_guid(tenant):
        return tenant
    try:
        return context.client.authority.find_tenant(tenant)[0]
    except EntraError as error:
        detail = json.dumps(context.client.error_body(error))
        raise CliError(f"Failed to resolve tenant '{tenant}'.\n\nError detail: {detail}") from error


def _service_principal(context: CommandContext, tenant: str | None) -> Account:
    """Return the account of an application that the token service has authenticated."""
    arguments = context.arguments
    credentials: ClientCredentials
    if arguments.password:
        credentials = client_secret(arguments.password)
    elif arguments.certificate:
        path = context.folder / Path(arguments.certificate).expanduser()
        chain = arguments.use_cert_sn_issuer
        credentials = client_certificate(context.client.clock, arguments.username, path, chain=chain)
    else:
        credentials = federated_token(arguments.client_assertion)
    name = tenant or "organizations"
    check_authority(context.client, name)
    account = ServicePrincipalAccount(context.client, arguments.username, credentials, name)
    account.inherit(context.profile.service_principal(arguments.username, name))
    with cli_errors(context.client):
        account.token(" ".join(arguments.scope or [_SCOPE]), context.details)
    return account


def _with_password(context: CommandContext, tenant: str | None) -> tuple[Account, User]:
    arguments = context.arguments
    name = tenant or "organizations"
    check_authority(context.client, name)
    form = {
        "username": arguments.username,
        "password": arguments.password or "",
        "scope": delegated_scope(" ".join(arguments.scope or [_SCOPE])),
    }
    with cli_errors(context.client):
        return _user_account(context, context.client.redeem("password", name, form, context.details), tenant)


def _with_device_code(context: CommandContext, tenant: str | None) -> tuple[Account, User]:
    """Show a code; when the launcher calls again, sign in the person who has entered it."""
    name = tenant or "organizations"
    codes = context.client.authority.context.device_codes
    if not context.resume:
        check_authority(context.client, name)
        tenant_name, _ = context.client.authority.find_tenant(name)
        scope = delegated_scope(" ".join(context.arguments.scope or [_SCOPE]))
        code = codes.start(client_id=context.client.client_id, tenant=tenant_name, scope=scope)
        raise Unfinished(
            f"To sign in, use a web browser to open the page {VERIFICATION_URI} and enter the code {code.user_code} "
            "to authenticate.",
            resume=code.device_code,
        )
    if any(code.device_code == context.resume for code in codes.pending()):
        raise Unfinished("", resume=context.resume)
    form, claims = {"device_code": context.resume}, _challenge(context.arguments.claims_challenge)
    with cli_errors(context.client):
        answer = context.client.redeem("device_code", name, form, context.details, claims=claims)
        return _user_account(context, answer, tenant)


def _challenge(encoded: str | None) -> str | None:
    """Return the JSON of a claims challenge, which the option has in base64."""
    if not encoded:
        return None
    try:
        return base64.b64decode(encoded).decode()
    except ValueError as error:
        raise UnexpectedError(str(error)) from error


def _user_account(context: CommandContext, answer: TokenResponse, tenant: str | None) -> tuple[Account, User]:
    user = context.client.directory.user(str(answer.token.claims["oid"]))
    if user is None or answer.refresh_token is None:
        raise CliError("Can't find token from MSAL cache.", "To re-authenticate, please run:\naz login")
    account = UserAccount(context.client, user, answer.refresh_token, tenant or user.tenant_id)
    account.inherit(context.profile.user(user.principal_name))
    context.details.update(identity=user.principal_name)
    return account, user


def _managed_identity(context: CommandContext) -> list[SubscriptionEntry]:
    values = {kind: getattr(context.arguments, name) for kind, name in _IDENTITY_ARGUMENTS.items()}
    selectors = [f"{kind}-{value}" for kind, value in values.items() if value]
    if len(selectors) > 1:
        raise CliError("Usage error: Provide only one of --client-id, --object-id, --resource-id.")
    information = selectors[0] if selectors else "MSI"
    with cli_errors(context.client):
        account = managed_identity_account(context.client, host_parameters(information))
        account.token(_SCOPE, context.details)
    user = {
        "name": USER_ASSIGNED if selectors else SYSTEM_ASSIGNED,
        "type": "servicePrincipal",
        "assignedIdentityInfo": information,
    }
    principal = context.client.directory.principal(account.client_id)
    entries = of_tenant(context.client.directory, principal, account.tenant_id, user)
    if not entries and not context.arguments.allow_no_subscriptions:
        raise CliError(
            "No access was configured for the managed identity, hence no subscriptions were found. "
            "If this is expected, use '--allow-no-subscriptions' to have tenant level access."
        )
    return context.profile.add(account, entries or [tenant_level(account.tenant_id, user)])


_IDENTITY_ARGUMENTS = {"MSIClient": "client_id", "MSIObject": "object_id", "MSIResource": "resource_id"}


def _of_every_tenant(
    context: CommandContext, account: Account, user: User
) -> tuple[list[SubscriptionEntry], list[str]]:
    """Return a user's subscriptions and tenants; warns of tenants without subscriptions and of those that refuse."""
    entries: dict[str, SubscriptionEntry] = {}
    empty, refusing, tenants = [], [], []
    for tenant in context.client.directory.tenants_of(user):
        title = f"{tenant.id} '{tenant.name}'"
        try:
            account.token(_SCOPE, context.details, tenant=tenant.id)
        except EntraError as error:
            description = context.client.error_description(error)
            context.warn(f"Authentication failed against tenant {title}: {description}")
            refusing.append(title)
            continue
        tenants.append(tenant.id)
        of_this_tenant = _entries(context, account, user, tenant.id, tenant)
        if not of_this_tenant:
            empty.append(title)
        for entry in of_this_tenant:
            entries.setdefault(entry["id"], entry)
    if empty:
        context.warn(
            "The following tenants don't contain accessible subscriptions. "
            "Use `az login --allow-no-subscriptions` to have tenant level access."
        )
    for title in empty:
        context.warn(title)
    if refusing:
        context.warn(
            "If you need to access subscriptions in the following tenants, please use `az login --tenant TENANT_ID`."
        )
    for title in refusing:
        context.warn(title)
    return list(entries.values()), tenants


def _finish(
    context: CommandContext, account: Account, discovered: Sequence[SubscriptionEntry], tenants: Sequence[str]
) -> list[SubscriptionEntry]:
    """Sign the account in with the discovered subscriptions, or with the single one that the arguments name."""
    arguments = context.arguments
    user = account_user(account, sn_issuer=arguments.use_cert_sn_issuer)
    entries = list(discovered)
    if arguments.skip_subscription_discovery and arguments.subscription:
        entries = _single(context, account, arguments.subscription, tenants[0])
    bare = arguments.skip_subscription_discovery and not arguments.subscription
    if not entries and not arguments.allow_no_subscriptions and not bare:
        if arguments.skip_subscription_discovery:
            raise CliError(
                f"The subscription '{arguments.subscription}' could not be retrieved for '{account.name}'. "
                "Ensure the subscription exists and that you have access to it."
            )
        raise CliError(f"No subscriptions found for {account.name}.")
    if arguments.allow_no_subscriptions or bare:
        covered = {entry["tenantId"] for entry in entries}
        entries += [tenant_level(tenant, user) for tenant in tenants if tenant not in covered]
    if not entries:
        return []
    added = context.profile.add(account, entries, preferred=arguments.subscription)
    if arguments.subscription:
        matches = [entry for entry in added if is_named(entry, arguments.subscription)]
        if not matches and not arguments.skip_subscription_discovery:
            raise CliError(f"Subscription '{arguments.subscription}' not found. Check the ID or name and try again.")
        if not matches:
            context.warn(f"Subscription '{arguments.subscription}' not found. Profile has tenant-level account only.")
        added = matches or added
    return [listing(entry) for entry in added]


def _single(context: CommandContext, account: Account, subscription: str, tenant: str) -> list[SubscriptionEntry]:
    """Return the subscription with this id, if the account may see it."""
    directory = context.client.directory
    identity = directory.user(account.name) or directory.principal(account.name)
    entries = _entries(context, account, identity, tenant)
    return [entry for entry in entries if entry["id"].lower() == subscription.lower()]


def _entries(
    context: CommandContext,
    account: Account,
    identity: User | Principal | None,
    tenant_id: str,
    tenant: Tenant | None = None,
) -> list[SubscriptionEntry]:
    user = account_user(account, sn_issuer=context.arguments.use_cert_sn_issuer)
    return of_tenant(context.client.directory, identity, tenant_id, user, tenant)
