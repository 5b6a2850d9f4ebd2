"""Where Entra ID is, in each cloud."""

from __future__ import annotations


class AzureAuthorityHosts:
    """The hosts of Entra ID, for the keyword ``authority`` of the credentials."""

    AZURE_PUBLIC_CLOUD = "login.microsoftonline.com"
    AZURE_GOVERNMENT = "login.microsoftonline.us"
    AZURE_CHINA = "login.chinacloudapi.cn"
