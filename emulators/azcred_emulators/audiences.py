"""Azure's services at which each account has a host name of its own, and the resource that their tokens are for.

Source: "Azure services that support Microsoft Entra authentication", and the default scopes of the Azure SDK's clients.
"""

from collections.abc import Mapping

STORAGE_SERVICES = ("blob", "queue", "table", "dfs")
STORAGE_DOMAIN = "core.windows.net"  # of the accounts that Azurite stands for
STORAGE = "https://storage.azure.com"

_SERVICE_BUS = "https://servicebus.azure.net"

# The domain, below which the accounts are, and the audience. That of storage and of Service Bus is one for all clouds.
AUDIENCES: Mapping[str, str] = {
    "vault.azure.net": "https://vault.azure.net",
    "vault.azure.cn": "https://vault.azure.cn",
    "vault.usgovcloudapi.net": "https://vault.usgovcloudapi.net",
    "managedhsm.azure.net": "https://managedhsm.azure.net",
    **{
        f"{service}.core.{cloud}": STORAGE
        for cloud in ("windows.net", "chinacloudapi.cn", "usgovcloudapi.net")
        for service in (*STORAGE_SERVICES, "file")
    },
    "servicebus.windows.net": _SERVICE_BUS,
    "servicebus.chinacloudapi.cn": _SERVICE_BUS,
    "servicebus.usgovcloudapi.net": _SERVICE_BUS,
    "azconfig.io": "https://azconfig.io",
    "search.windows.net": "https://search.azure.com",
    "cognitiveservices.azure.com": "https://cognitiveservices.azure.com",
    "openai.azure.com": "https://cognitiveservices.azure.com",
    "documents.azure.com": "https://cosmos.azure.com",
}


def audience_of(host: str) -> str:
    """Return the audience that the service at a host name takes: the common one of a known service, else its URL."""
    for domain, audience in AUDIENCES.items():
        if host.endswith(f".{domain}"):
            return audience
    return f"https://{host}"
