"""The resources that the emulated tenants have a service principal for: all others are misspelt."""

import re

from azcred_emulators.directory.store import Directory
from azcred_emulators.serving.urls import split_url

# Entra ID also knows Microsoft's services by account-specific names (https://myaccount.blob.core.windows.net),
# so its services are recognized by the domains that only Microsoft can register.
_MICROSOFT_DOMAINS = (
    "azure.com",
    "azure.net",
    "azure.cn",
    "azure.us",
    "azure.de",
    "azuredatabricks.net",
    "azurecr.io",
    "azuresynapse.net",
    "botframework.com",
    "chinacloudapi.cn",
    "cloudapi.de",
    "dynamics.com",
    "loganalytics.io",
    "microsoft.com",
    "microsoftazure.de",
    "microsoft.us",
    "office.com",
    "office365.us",
    "powerplatform.com",
    "powerbi.com",
    "sharepoint.com",
    "sharepoint.us",
    "usgovcloudapi.net",
    "windows.net",
    "windows.us",
    "windowsazure.com",
    "windowsazure.us",
    "visualstudio.com",
)
# Well-known application ids that clients use as the resource itself.
_MICROSOFT_APPLICATIONS = {
    "00000003-0000-0000-c000-000000000000": "Microsoft Graph",
    "00000002-0000-0000-c000-000000000000": "Azure AD Graph",
    "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d": "Azure Databricks",
    "499b84ac-1321-427f-aa17-267ca6975798": "Azure DevOps",
    "6dae42f8-4368-4678-94ff-3960e28e3630": "Azure Kubernetes Service AAD Server",
}
_RESOURCE = re.compile(r"^[A-Za-z0-9_\-.:/]+$")


def is_known_resource(resource: str, directory: Directory) -> bool:
    """Tell whether a token can be had for the resource: a Microsoft service or an application of the tenant."""
    if not _RESOURCE.match(resource):
        return False
    if directory.application_for_resource(resource) or resource.rstrip("/") in _MICROSOFT_APPLICATIONS:
        return True
    if resource.rstrip("/").lower() == "api://azureadtokenexchange":
        return True
    parts = split_url(resource)
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and any(
        host == domain or host.endswith(f".{domain}") for domain in _MICROSOFT_DOMAINS
    )
