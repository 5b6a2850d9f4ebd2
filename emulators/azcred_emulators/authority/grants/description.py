"""What a request to the token service says itself: who asks for what, before anything is checked or redeemed."""

from collections.abc import Mapping
from contextlib import suppress

from azcred_emulators.authority.context import AuthorityContext
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.authority.grants.scopes import read_resource, read_scope


def describe(form: Mapping[str, str], context: AuthorityContext) -> dict[str, object]:
    """Return the fields of the request's entry in the journal that its form tells, None for those it does not."""
    return {
        "grant": form.get("grant_type"),
        "client_id": form.get("client_id"),
        "identity": _identity(form, context),
        "provider": _provider(form, context),
        "resource": _resource(form),
        "scope": form.get("scope"),
    }


def _resource(form: Mapping[str, str]) -> str | None:
    with suppress(EntraError):
        if form.get("resource"):
            return read_resource(form["resource"]).resource
        if form.get("scope"):
            return read_scope(form["scope"]).resource
    return None


def _identity(form: Mapping[str, str], context: AuthorityContext) -> str | None:
    """Return the name of the application or user that the token would be of."""
    grant = form.get("grant_type")
    if grant == "client_credentials":
        principal = context.directory.principal(form.get("client_id", ""))
        return principal.name if principal else None
    if grant == "password":
        return form.get("username")
    with suppress(EntraError):
        if grant == "refresh_token":
            found = context.issued.find_refresh_token(form.get("refresh_token", ""))
            user = context.directory.user(found.sign_in.user_id)
            return user.principal_name if user else None
    return None


def _provider(form: Mapping[str, str], context: AuthorityContext) -> str | None:
    """Return the link of the chain that sends such a request."""
    if form.get("grant_type") == "authorization_code":
        with suppress(EntraError):
            return "interactive-browser" if context.issued.find_code(form.get("code", "")).public else None
    if form.get("grant_type") == "password":
        return "environment"
    if form.get("grant_type") != "client_credentials":
        return None
    if not form.get("client_assertion"):
        return "environment"
    with suppress(EntraError):
        return "workload-identity" if client_assertions.read(form["client_assertion"]).federated else "environment"
    return None
