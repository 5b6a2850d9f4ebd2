"""Azure's clouds and the host names of their token services.

Source: the metadata that Entra ID's instance discovery returns, and the known hosts of msal 1.39.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cloud:
    """One Azure cloud; `aliases` are all host names of its token service, the preferred one first."""

    name: str
    aliases: tuple[str, ...]
    preferred_cache: str
    issuer: str
    graph_host: str
    instance_name: str

    @property
    def authority_host(self) -> str:
        """The host name that the cloud's documents and v2 issuers carry."""
        return self.aliases[0]


PUBLIC = Cloud(
    "public",
    ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    preferred_cache="login.windows.net",
    issuer="https://sts.windows.net",
    graph_host="graph.microsoft.com",
    instance_name="microsoftonline.com",
)
CLOUDS = (
    PUBLIC,
    Cloud(
        "china",
        ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
        preferred_cache="login.partner.microsoftonline.cn",
        issuer="https://sts.chinacloudapi.cn",
        graph_host="microsoftgraph.chinacloudapi.cn",
        instance_name="partner.microsoftonline.cn",
    ),
    Cloud(
        "us-government",
        ("login.microsoftonline.us", "login.usgovcloudapi.net"),
        preferred_cache="login.microsoftonline.us",
        issuer="https://sts.windows.net",
        graph_host="graph.microsoft.us",
        instance_name="microsoftonline.us",
    ),
    Cloud(
        "us-government-legacy",
        ("login-us.microsoftonline.com",),
        preferred_cache="login-us.microsoftonline.com",
        issuer="https://sts.windows.net",
        graph_host="graph.microsoft.us",
        instance_name="microsoftonline.us",
    ),
    Cloud(
        "germany",
        ("login.microsoftonline.de",),
        preferred_cache="login.microsoftonline.de",
        issuer="https://sts.microsoftonline.de",
        graph_host="graph.microsoft.de",
        instance_name="microsoftonline.de",
    ),
    *(
        Cloud(
            f"sovereign-{suffix}",
            (f"login.sovcloud-identity.{suffix}",),
            preferred_cache=f"login.sovcloud-identity.{suffix}",
            issuer=f"https://sts.sovcloud-identity.{suffix}",
            graph_host=f"graph.svc.sovcloud.{suffix}",
            instance_name=f"sovcloud-identity.{suffix}",
        )
        for suffix in ("fr", "de", "sg")
    ),
)

RESOURCE_MANAGER_HOST = "management.azure.com"

# Where virtual machines find the Instance Metadata Service, in every cloud.
IMDS_ADDRESS = "169.254.169.254"

# Where people are told to type in the code of a device; it sends them on to a page of the token service.
DEVICE_LOGIN_HOST = "microsoft.com"

# Regional token services, such as westeurope.login.microsoft.com (msal 1.39, region.py and application.py).
REGIONAL_SUFFIXES = (".login.microsoft.com", ".login.microsoftonline.com")

_BY_ALIAS = {alias: cloud for cloud in CLOUDS for alias in cloud.aliases}


def cloud_of(host: str) -> Cloud | None:
    """Return the cloud whose token service has this host name, None if there is none."""
    name = host.lower()
    if name in _BY_ALIAS:
        return _BY_ALIAS[name]
    return PUBLIC if name.endswith(REGIONAL_SUFFIXES) else None


def authority_names() -> tuple[str, ...]:
    """Return every host name of a token service, regional ones as a pattern with a leading `*`."""
    return (*_BY_ALIAS, *(f"*{suffix}" for suffix in REGIONAL_SUFFIXES))


def graph_names() -> tuple[str, ...]:
    """Return Microsoft Graph's host name in every cloud."""
    return tuple(dict.fromkeys(cloud.graph_host for cloud in CLOUDS))
