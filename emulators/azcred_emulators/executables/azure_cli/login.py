"""`az login`: a service principal, a managed identity, a user with a password, or a person with a device code."""

import base64
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.errors.entra_error import is_guid
from azcred_emulators.authority.grants.device_code import VERIFICATION_URI
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import Principal, Tenant, User
from azcred_emulators.executables.accounts import Account, Credentials, UserAccount, delegated_scope
from azcred_emulators.executables.azure_cli import proofs
from azcred_emulators.executables.azure_cli.command import Call, CliError, Unfinished
from azcred_emulators.executables.azure_cli.refusals import UnexpectedError, check_authority, refused
from azcred_emulators.executables.azure_cli.signed_in import Entry
from azcred_emulators.executables.azure_cli.subscriptions import (
    SYSTEM_ASSIGNED,
    USER_ASSIGNED,
    of_tenant,
    selector,
    shown,
    tenant_level,
    user_entry,
)

RESOURCE_MANAGER = "https://management.core.windows.net/"
_SCOPE = f"{RESOURCE_MANAGER}/.default"
_PASSWORD = (
    "Starting September 1, 2025, MFA will be gradually enforced for Azure public cloud. The authentication with "
    "username and password in the command line is not supported with MFA. Consider using one of the compatible "
    "authentication methods. For more details, see https://go.microsoft.com/fwlink/?linkid=2276314"
)


def login(call: Call) -> list[Entry]:
    """Sign somebody in and return the subscriptions that they may see."""
    call.details["operation"] = "login"
    asked = call.arguments
    tenant = _resolve(call, asked.tenant)
    _check_usage(asked)
    if asked.username and not asked.service_principal:
        call.warn(_PASSWORD)
    if asked.identity:
        return _managed_identity(call)
    if asked.username and not (asked.password or asked.client_assertion or asked.certificate):
        raise CliError("Please specify both username and password in non-interactive mode.")
    account: Account
    if asked.service_principal:
        account = _service_principal(call, tenant)
        principal = call.accounts.directory.principal(account.name)
        found = [] if asked.skip_subscription_discovery else _entries(call, account, principal, tenant or "")
        return _finish(call, account, found, [tenant] if tenant else [])
    account, user = _with_password(call, tenant) if asked.username else _with_device_code(call, tenant)
    if asked.skip_subscription_discovery:
        return _finish(call, account, [], [tenant] if tenant else [])
    if tenant:
        return _finish(call, account, _entries(call, account, user, tenant), [tenant])
    with refused(call.accounts):
        found, tenants = _of_every_tenant(call, account, user)
    return _finish(call, account, found, tenants)


def _check_usage(asked: Any) -> None:
    if any([asked.password, asked.service_principal, asked.tenant]) and asked.identity:
        raise CliError("usage error: '--identity' is not applicable with other arguments")
    if asked.identity and asked.username:
        raise CliError(
            "Passing the managed identity ID with --username is no longer supported. "
            "Use --client-id, --object-id or --resource-id instead."
        )
    if any([asked.password, asked.service_principal, asked.username, asked.identity]) and asked.use_device_code:
        raise CliError("usage error: '--use-device-code' is not applicable with other arguments")
    if asked.use_cert_sn_issuer and not asked.service_principal:
        raise CliError("usage error: '--use-sn-issuer' is only applicable with a service principal")
    if asked.service_principal and not asked.username:
        raise CliError("usage error: --service-principal --username NAME --password SECRET --tenant TENANT")
    if asked.skip_subscription_discovery and not asked.tenant:
        raise CliError("usage error: '--skip-subscription-discovery' requires '--tenant'")
    if asked.skip_subscription_discovery and asked.subscription and not is_guid(asked.subscription):
        raise CliError(
            "usage error: '--subscription' must be a subscription ID (GUID), not a name, "
            "when combined with '--skip-subscription-discovery'."
        )


def _resolve(call: Call, tenant: str | None) -> str | None:
    """Return the GUID of a tenant that is named by a domain."""
    if tenant is None or is_guid(tenant):
        return tenant
    try:
        return call.accounts.authority.find_tenant(tenant)[0]
    except EntraError as error:
        body = error.body(now=call.accounts.clock.now(), trace_id=str(uuid.uuid4()), correlation_id=str(uuid.uuid4()))
        raise CliError(f"Failed to resolve tenant '{tenant}'.\n\nError detail: {json.dumps(body)}") from error


def _service_principal(call: Call, tenant: str | None) -> Account:
    """Return the account of an application that has proved who it is."""
    asked = call.arguments
    credentials: Credentials
    if asked.password:
        credentials = proofs.secret(asked.password)
    elif asked.certificate:
        path = call.folder / Path(asked.certificate).expanduser()
        credentials = proofs.certificate(call.accounts.clock, asked.username, path, chain=asked.use_cert_sn_issuer)
    else:
        credentials = proofs.federated(asked.client_assertion)
    where = tenant or "organizations"
    check_authority(call.accounts, where)
    account = call.accounts.service_principal(asked.username, credentials, tenant_id=where)
    account.inherit(call.signed_in.service_principal(asked.username, where))
    with refused(call.accounts):
        account.token(" ".join(asked.scope or [_SCOPE]), call.details)
    return account


def _with_password(call: Call, tenant: str | None) -> tuple[Account, User]:
    asked = call.arguments
    where = tenant or "organizations"
    check_authority(call.accounts, where)
    form = {
        "username": asked.username,
        "password": asked.password or "",
        "scope": delegated_scope(" ".join(asked.scope or [_SCOPE])),
    }
    with refused(call.accounts):
        return _user_account(call, call.accounts.redeem("password", where, form, call.details), tenant)


def _with_device_code(call: Call, tenant: str | None) -> tuple[Account, User]:
    """Show a code, and sign in whoever has typed it in, when the launcher calls again."""
    where = tenant or "organizations"
    codes = call.accounts.authority.context.device_codes
    if not call.resume:
        check_authority(call.accounts, where)
        name, _ = call.accounts.authority.find_tenant(where)
        scope = delegated_scope(" ".join(call.arguments.scope or [_SCOPE]))
        code = codes.start(client_id=call.accounts.client_id, tenant=name, scope=scope)
        raise Unfinished(
            f"To sign in, use a web browser to open the page {VERIFICATION_URI} and enter the code {code.user_code} "
            "to authenticate.",
            resume=code.device_code,
        )
    if any(code.device_code == call.resume for code in codes.pending()):
        raise Unfinished("", resume=call.resume)
    form, claims = {"device_code": call.resume}, _challenge(call.arguments.claims_challenge)
    with refused(call.accounts):
        answer = call.accounts.redeem("device_code", where, form, call.details, claims=claims)
        return _user_account(call, answer, tenant)


def _challenge(encoded: str | None) -> str | None:
    """Return the JSON of a claims challenge, which is given as base64."""
    if not encoded:
        return None
    try:
        return base64.b64decode(encoded).decode()
    except ValueError as error:
        raise UnexpectedError(str(error)) from error


def _user_account(call: Call, answer: TokenResponse, tenant: str | None) -> tuple[Account, User]:
    user = call.accounts.directory.user(str(answer.token.claims["oid"]))
    if user is None or answer.refresh_token is None:
        raise CliError("Can't find token from MSAL cache.", "To re-authenticate, please run:\naz login")
    account = UserAccount(call.accounts, user, answer.refresh_token, tenant or user.tenant_id)
    account.inherit(call.signed_in.user(user.principal_name))
    call.details.update(identity=user.principal_name)
    return account, user


def _managed_identity(call: Call) -> list[Entry]:
    asked = call.arguments
    given = {kind: getattr(asked, name) for kind, name in _IDENTITY_ARGUMENTS.items() if getattr(asked, name)}
    if len(given) > 1:
        raise CliError("Usage error: Provide only one of --client-id, --object-id, --resource-id.")
    information = next((f"{kind}-{value}" for kind, value in given.items()), "MSI")
    with refused(call.accounts):
        account = call.accounts.managed_identity(selector(information))
        account.token(_SCOPE, call.details)
    user = {
        "name": USER_ASSIGNED if given else SYSTEM_ASSIGNED,
        "type": "servicePrincipal",
        "assignedIdentityInfo": information,
    }
    principal = call.accounts.directory.principal(account.client_id)
    found = of_tenant(call.accounts.directory, principal, account.tenant_id, user)
    if not found and not asked.allow_no_subscriptions:
        raise CliError(
            "No access was configured for the managed identity, hence no subscriptions were found. "
            "If this is expected, use '--allow-no-subscriptions' to have tenant level access."
        )
    return call.signed_in.add(account, found or [tenant_level(account.tenant_id, user)])


_IDENTITY_ARGUMENTS = {"MSIClient": "client_id", "MSIObject": "object_id", "MSIResource": "resource_id"}


def _of_every_tenant(call: Call, account: Account, user: User) -> tuple[list[Entry], list[str]]:
    """Return a user's subscriptions in all their tenants, and these; warns of tenants that let them see none."""
    found: dict[str, Entry] = {}
    empty, refusing, tenants = [], [], []
    for tenant in call.accounts.directory.tenants_of(user):
        title = f"{tenant.id} '{tenant.name}'"
        try:
            account.token(_SCOPE, call.details, tenant=tenant.id)
        except EntraError as error:
            call.warn(f"Authentication failed against tenant {title}: {call.accounts.describe(error)}")
            refusing.append(title)
            continue
        tenants.append(tenant.id)
        entries = _entries(call, account, user, tenant.id, tenant)
        if not entries:
            empty.append(title)
        for one in entries:
            found.setdefault(one["id"], one)
    if empty:
        call.warn(
            "The following tenants don't contain accessible subscriptions. "
            "Use `az login --allow-no-subscriptions` to have tenant level access."
        )
    for title in empty:
        call.warn(title)
    if refusing:
        call.warn(
            "If you need to access subscriptions in the following tenants, please use `az login --tenant TENANT_ID`."
        )
    for title in refusing:
        call.warn(title)
    return list(found.values()), tenants


def _finish(call: Call, account: Account, found: Sequence[Entry], tenants: Sequence[str]) -> list[Entry]:
    """Sign the account in with its subscriptions, or those that the caller wants."""
    asked = call.arguments
    user = user_entry(account, sn_issuer=asked.use_cert_sn_issuer)
    entries = list(found)
    if asked.skip_subscription_discovery and asked.subscription:
        entries = _only(call, account, asked.subscription, tenants[0])
    bare = asked.skip_subscription_discovery and not asked.subscription
    if not entries and not asked.allow_no_subscriptions and not bare:
        if asked.skip_subscription_discovery:
            raise CliError(
                f"The subscription '{asked.subscription}' could not be retrieved for '{account.name}'. "
                "Ensure the subscription exists and that you have access to it."
            )
        raise CliError(f"No subscriptions found for {account.name}.")
    if asked.allow_no_subscriptions or bare:
        covered = {one["tenantId"] for one in entries}
        entries += [tenant_level(tenant, user) for tenant in tenants if tenant not in covered]
    if not entries:
        return []
    added = call.signed_in.add(account, entries, preferred=asked.subscription)
    if asked.subscription:
        wanted = asked.subscription.lower()
        chosen = [one for one in added if wanted in (one["id"].lower(), one["name"].lower())]
        if not chosen and not asked.skip_subscription_discovery:
            raise CliError(f"Subscription '{asked.subscription}' not found. Check the ID or name and try again.")
        if not chosen:
            call.warn(f"Subscription '{asked.subscription}' not found. Profile has tenant-level account only.")
        added = chosen or added
    return [shown(one) for one in added]


def _only(call: Call, account: Account, subscription: str, tenant: str) -> list[Entry]:
    directory = call.accounts.directory
    principal = directory.user(account.name) or directory.principal(account.name)
    return [one for one in _entries(call, account, principal, tenant) if one["id"].lower() == subscription.lower()]


def _entries(
    call: Call, account: Account, principal: User | Principal | None, tenant_id: str, described: Tenant | None = None
) -> list[Entry]:
    user = user_entry(account, sn_issuer=call.arguments.use_cert_sn_issuer)
    return of_tenant(call.accounts.directory, principal, tenant_id, user, described)
