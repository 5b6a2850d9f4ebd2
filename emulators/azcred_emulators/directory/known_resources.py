"""The resources that the emulated tenants have a service principal for: all others are misspelt."""

import re

from azcred_emulators.audiences import is_an_audience
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
    "azurehealthcareapis.com",
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
    "office365.com",
    "office365.us",
    "powerapps.com",
    "powerplatform.com",
    "powerbi.com",
    "sharepoint.com",
    "sharepoint.us",
    "spring.io",
    "usgovcloudapi.net",
    "windows.net",
    "windows.us",
    "windowsazure.com",
    "windowsazure.us",
    "visualstudio.com",
)
# Well-known application ids that clients use as the resource itself.
_MICROSOFT_APPLICATIONS = {
    "00000002-0000-0000-c000-000000000000": "Azure AD Graph",
    "62a912ac-b58e-4c1d-89ea-b2dbfc7358fc": "Azure Databricks, development",
    "4a67d088-db5c-48f1-9ff2-0aace800ae68": "Azure Databricks, staging",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013": "Azure Resource Manager",
    "80369ed6-5f11-4dd9-bef3-692475845e77": "Azure Event Hubs",
    "80a10ef9-8168-493d-abf9-3297c4ef6e3c": "Azure Service Bus",
    "cfa8b339-82a2-471a-a3c9-0fc0be7a4093": "Azure Key Vault",
    "6dae42f8-4368-4678-94ff-3960e28e3630": "Azure Kubernetes Service AAD Server",
}
# What tokens are for that are exchanged for Entra ID's, in each cloud.
_TOKEN_EXCHANGE = ("api://azureadtokenexchange", "api://azureadtokenexchangeusgov", "api://azureadtokenexchangechina")
_RESOURCE = re.compile(r"^[A-Za-z0-9_\-.:/]+$")


def is_known_resource(resource: str, directory: Directory) -> bool:
    """Tell whether a token can be had for the resource: a Microsoft service, an application of the tenant, or what one
    of a test's stand-ins takes tokens for.
    """
    if not _RESOURCE.match(resource):
        return False
    plain = resource.rstrip("/").lower()
    if directory.application_for_resource(resource) or plain in (*_MICROSOFT_APPLICATIONS, *_TOKEN_EXCHANGE):
        return True
    if is_an_audience(resource) or plain in directory.audiences_of_stand_ins:
        return True
    parts = split_url(resource)
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and any(
        host == domain or host.endswith(f".{domain}") for domain in _MICROSOFT_DOMAINS
    )
