"""The variables by which Azure's SDKs and tools, and keyrings, find an identity, and which of them can be kept."""

from collections.abc import Iterable, Mapping

from azcred_emulators.environments.table import ENVIRONMENTS

# They describe an identity or how to ask for it, and give nobody a token: a suite may keep those that it sets itself.
SETTINGS = (
    "ACC_CLOUD",
    "AZUREPS_HOST_ENVIRONMENT",
    "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_IDENTITY_DISABLE_CP1",
    "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_TENANT_ID",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_USERNAME",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "IDENTITY_API_VERSION",
    "IDENTITY_SERVER_THUMBPRINT",
    "MSAL_FORCE_REGION",
    "PYTHON_KEYRING_BACKEND",
    "REGION_NAME",
)

_ENDPOINT = "the address of somebody who hands out tokens"
_AGENT = "the way to an agent that holds keys"
# What each holds, or leads to. None of them is ever kept.
SECRETS: Mapping[str, str] = {
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a token",
    "ACTIONS_ID_TOKEN_REQUEST_URL": _ENDPOINT,
    "AZCRED_KEY": "the key of a server",
    "AZD_AUTH_CERT": "a certificate",
    "AZD_AUTH_ENDPOINT": _ENDPOINT,
    "AZD_AUTH_KEY": "a secret",
    "AZD_CONFIG_DIR": "a folder with tokens",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "a password",
    "AZURE_CLIENT_CERTIFICATE_PATH": "a certificate",
    "AZURE_CLIENT_SECRET": "a secret",
    "AZURE_CONFIG_DIR": "a folder with tokens",
    "AZURE_FEDERATED_TOKEN_FILE": "a token file",
    "AZURE_KUBERNETES_CA_DATA": "a certificate",
    "AZURE_KUBERNETES_CA_FILE": "a certificate",
    "AZURE_KUBERNETES_TOKEN_PROXY": _ENDPOINT,
    "AZURE_PASSWORD": "a password",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": _ENDPOINT,
    "DBUS_SESSION_BUS_ADDRESS": "the way to the keyring",
    "DBUS_STARTER_ADDRESS": "the way to the keyring",
    "GNOME_KEYRING_CONTROL": "the way to the keyring",
    "GPG_AGENT_INFO": _AGENT,
    "IDENTITY_ENDPOINT": _ENDPOINT,
    "IDENTITY_HEADER": "a secret",
    "IMDS_ENDPOINT": _ENDPOINT,
    "MSI_ENDPOINT": _ENDPOINT,
    "MSI_SECRET": "a secret",
    "SSH_AUTH_SOCK": _AGENT,
    "SYSTEM_ACCESSTOKEN": "a token",
    "SYSTEM_OIDCREQUESTURI": _ENDPOINT,
}
# A proxy would take the connections that the routes are for.
PROXIES = ("ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
# Where a user's files are, and what stands for each below an empty home folder.
FOLDERS: Mapping[str, str] = {
    "APPDATA": "AppData/Roaming",
    "HOME": "",
    "LOCALAPPDATA": "AppData/Local",
    "USERPROFILE": "",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}


# By which an app tells that it runs on one of the platforms. Those of CI services stay: test tools ask for them, too.
PLATFORMS = frozenset(
    name
    for environment in ENVIRONMENTS.values()
    if environment.name not in ("azure-pipelines", "github-actions")
    for name in environment.platform_variables
)


def check_kept(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of variables that a suite keeps.

    Raises ValueError for one that may lead to the identity of the current user, and for one that nothing hides.
    """
    kept = tuple(names)
    for name in kept:
        if name in SETTINGS:
            continue
        if name in SECRETS:
            raise ValueError(f"{name} cannot be kept, because it holds {SECRETS[name]}; set it in the test")
        if name in FOLDERS or name in ("PATH", "XDG_RUNTIME_DIR"):
            raise ValueError(f"{name} cannot be kept, because it leads to files of the current user")
        if name.upper() in PROXIES:
            raise ValueError(f"{name} cannot be kept: a proxy would take the connections that are led to the emulators")
        if name in PLATFORMS:
            continue
        from difflib import get_close_matches

        near = get_close_matches(name.upper(), SETTINGS, 1, 0.8)
        hint = f"; did you mean {near[0]}?" if near else ": it is not hidden anyway, so leave it out"
        raise ValueError(f"{name or repr(name)} need not be kept{hint}")
    return kept
