"""Hides the identity of whoever runs the tests or a command: variables, files in the home folder, and tools on PATH.

Where they run is hidden, too, so that an app takes the place for what it is.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from azcred_emulators.environments.table import ENVIRONMENTS

# Everything by which azure-identity, msal, the other Azure SDKs and the tools find an identity or its endpoint.
_IDENTITY_VARIABLES = (
    "ACC_CLOUD",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "AZD_AUTH_CERT",
    "AZD_AUTH_ENDPOINT",
    "AZD_AUTH_KEY",
    "AZD_CONFIG_DIR",
    "AZUREPS_HOST_ENVIRONMENT",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_CONFIG_DIR",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_IDENTITY_DISABLE_CP1",
    "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH",
    "AZURE_KUBERNETES_CA_DATA",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_PASSWORD",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_TENANT_ID",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_USERNAME",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "IDENTITY_API_VERSION",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSAL_FORCE_REGION",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "REGION_NAME",
    "SYSTEM_ACCESSTOKEN",
    "SYSTEM_OIDCREQUESTURI",
)
# By which an app tells that it runs on one of the platforms. Those of CI services stay: test tools ask for them, too.
_PLATFORM_VARIABLES = {
    name
    for environment in ENVIRONMENTS.values()
    if environment.name not in ("azure-pipelines", "github-actions")
    for name in environment.platform_variables
}
# A proxy would take the connections that the routes are for.
_PROXY_VARIABLES = ("ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_TOOLS = ("az", "azd", "powershell", "pwsh")
_WINDOWS_SUFFIXES = ("", ".bat", ".cmd", ".exe", ".ps1")


def isolation(environ: Mapping[str, str], folder: Path) -> dict[str, str | None]:
    """Return the variables to set, or to remove where the value is None, so that no real identity is found.

    `environ` is the environment to isolate, `folder` a private one for an empty home and for the parts of PATH
    that hold `az`, `azd` or PowerShell beside tools that must stay.
    """
    home = Path(tempfile.mkdtemp(prefix="home-", dir=folder))  # each test's own: an app may leave a cache there
    hidden = {
        *_IDENTITY_VARIABLES,
        *_PLATFORM_VARIABLES,
        *_PROXY_VARIABLES,
        *(name.lower() for name in _PROXY_VARIABLES),
    }
    changes: dict[str, str | None] = {name: None for name in sorted(hidden) if name in environ}
    changes |= {
        "HOME": str(home),
        "AZURE_CONFIG_DIR": str(home / ".azure"),
        "AZD_CONFIG_DIR": str(home / ".azd"),
        "PATH": os.pathsep.join(_without_tools(environ.get("PATH", os.defpath), folder)),
    }
    if sys.platform == "win32":
        changes |= {"USERPROFILE": str(home), "LOCALAPPDATA": str(home / "AppData" / "Local")}
    if sys.platform in ("darwin", "win32"):
        changes["NO_PROXY"] = "*"  # else a proxy from the system's settings takes the place of the variables
    return changes


def _without_tools(path: str, folder: Path) -> Iterator[str]:
    """Yield the entries of PATH, those that hold a tool replaced by a copy without it."""
    for entry in path.split(os.pathsep):
        if not _holds_tool(entry):
            yield entry
        elif sys.platform != "win32":  # there every tool has a folder of its own, and links need privileges
            yield str(_shadow(Path(entry).absolute(), folder / "path"))


def _holds_tool(entry: str) -> bool:
    suffixes = _WINDOWS_SUFFIXES if sys.platform == "win32" else ("",)
    return any(os.path.isfile(os.path.join(entry, tool + suffix)) for tool in _TOOLS for suffix in suffixes)


def _shadow(entry: Path, folder: Path) -> Path:
    """Make a folder of links to everything in a PATH entry but the tools, once per run.

    A Python in a virtual environment looks beside its folder for `pyvenv.cfg` and `lib`, so these are linked, too.
    """
    parent = folder / hashlib.sha256(bytes(entry)).hexdigest()[:16]
    shadow = parent / "bin"
    if not shadow.exists():
        shadow.mkdir(parents=True)
        for file in os.scandir(entry):
            if file.name not in _TOOLS:
                os.symlink(file.path, shadow / file.name)
        if (entry.parent / "pyvenv.cfg").exists():
            for file in os.scandir(entry.parent):
                if Path(file.path) != entry:
                    os.symlink(file.path, parent / file.name)
    return shadow
