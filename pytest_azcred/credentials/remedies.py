"""What helps when a credential gives no token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "EnvironmentCredential": (
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        "AZURE_USERNAME",
        "AZURE_PASSWORD",
        "AZURE_AUTHORITY_HOST",
    ),
    "WorkloadIdentityCredential": (
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_AUTHORITY_HOST",
    ),
    "ManagedIdentityCredential": (
        "AZURE_CLIENT_ID",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "IDENTITY_SERVER_THUMBPRINT",
        "IMDS_ENDPOINT",
        "MSI_ENDPOINT",
        "MSI_SECRET",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    ),
    "InteractiveBrowserCredential": ("AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST"),
}
"""The environment variables that concern a credential."""

UNAVAILABLE: Mapping[str, str] = {
    "EnvironmentCredential": "on a server outside Azure, set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET "
    "or AZURE_CLIENT_CERTIFICATE_PATH.",
    "WorkloadIdentityCredential": "on Kubernetes, label the pod azure.workload.identity/use: 'true' and annotate its "
    "service account with azure.workload.identity/client-id.",
    "ManagedIdentityCredential": "on Azure, assign a managed identity; with a user-assigned one, set AZURE_CLIENT_ID "
    "to its client id. Elsewhere it is never available.",
    "AzureCliCredential": "on your own machine, install the Azure CLI and run: az login",
    "AzurePowerShellCredential": "on your own machine, install the Az.Accounts module and run: Connect-AzAccount",
    "AzureDeveloperCliCredential": "on your own machine, install the Azure Developer CLI and run: azd auth login",
}
"""For a credential that is unavailable."""

CODES: Mapping[str, str] = {
    "AADSTS50034": "the user does not exist in this tenant: check the user name and AZURE_TENANT_ID.",
    "AADSTS50059": "the request names no tenant: set AZURE_TENANT_ID.",
    "AADSTS50076": "the user must confirm with a second factor: sign in again with the tool that asked.",
    "AADSTS50126": "the user name or the password is wrong.",
    "AADSTS500011": "the tenant does not know the resource: check the scope, and that the resource's application has "
    "been consented to in this tenant.",
    "AADSTS65001": "nobody has consented to this access: grant it to the application in Entra ID.",
    "AADSTS700016": "the application is not in this tenant: check AZURE_CLIENT_ID and AZURE_TENANT_ID.",
    "AADSTS700024": "the assertion is too old or too new: check this machine's clock.",
    "AADSTS700027": "the certificate is not one of the application's: upload it in Entra ID.",
    "AADSTS70011": "the scope is malformed: it should look like https://vault.azure.net/.default.",
    "AADSTS70021": "no federated credential of the application matches: compare its issuer, subject and audience with "
    "the token's.",
    "AADSTS700211": "no federated credential of the application names this issuer: compare it with the cluster's.",
    "AADSTS700213": "no federated credential of the application names this subject: compare it with the namespace and "
    "name of the service account.",
    "AADSTS700212": "no federated credential of the application names this audience: it should be "
    "api://AzureADTokenExchange.",
    "AADSTS7000112": "the application is disabled: enable it in Entra ID.",
    "AADSTS7000215": "the secret is not one of the application's: set AZURE_CLIENT_SECRET to a secret's value, not to "
    "its id.",
    "AADSTS7000222": "the secret has expired: make a new one in Entra ID and set AZURE_CLIENT_SECRET.",
    "AADSTS90002": "there is no such tenant: check AZURE_TENANT_ID, and AZURE_AUTHORITY_HOST for its cloud.",
}
"""For an error that Entra ID gives a code."""


def remedy(provider: str, *, code: str | None, is_unavailable: bool) -> str:
    """What helps; empty if that is not known."""
    if code:
        return CODES.get(code, f"look up {code} at https://login.microsoftonline.com/error")
    return UNAVAILABLE.get(provider, "") if is_unavailable else ""


def seen(provider: str, environ: Iterable[str]) -> tuple[str, ...]:
    """The variables that concern a credential and are set, by name."""
    return tuple(name for name in VARIABLES.get(provider, ()) if name in environ)
