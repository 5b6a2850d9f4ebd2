"""The DefaultAzureCredential chain, as a library.

The names, keywords, environment variables and order are those of azure-identity 1.27. Nothing is imported until a
name is used: importing this package costs neither msal nor azure-core.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .authentication_record import AuthenticationRecord
    from .authority_hosts import AzureAuthorityHosts
    from .azure_pipelines import AzurePipelinesCredential
    from .bearer_token_provider import get_bearer_token_provider
    from .certificate import CertificateCredential
    from .chain import ChainedTokenCredential
    from .client_assertion import ClientAssertionCredential
    from .client_secret import ClientSecretCredential
    from .default import DefaultAzureCredential
    from .device_code import DeviceCodeCredential
    from .environment import EnvironmentCredential
    from .errors import ChainFailedError, CredentialUnavailableError
    from .explanation import Attempt, Explanation, Outcome
    from .interactive_browser import InteractiveBrowserCredential
    from .managed_identity import ManagedIdentityCredential
    from .on_behalf_of import OnBehalfOfCredential
    from .tools.azure_cli import AzureCliCredential
    from .tools.azure_developer_cli import AzureDeveloperCliCredential
    from .tools.azure_powershell import AzurePowerShellCredential
    from .user import AuthenticationRequiredError
    from .username_password import UsernamePasswordCredential
    from .workload_identity import WorkloadIdentityCredential

__all__ = [
    "Attempt",
    "AuthenticationRecord",
    "AuthenticationRequiredError",
    "AzureAuthorityHosts",
    "AzureCliCredential",
    "AzureDeveloperCliCredential",
    "AzurePipelinesCredential",
    "AzurePowerShellCredential",
    "CertificateCredential",
    "ChainFailedError",
    "ChainedTokenCredential",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "CredentialUnavailableError",
    "DefaultAzureCredential",
    "DeviceCodeCredential",
    "EnvironmentCredential",
    "Explanation",
    "InteractiveBrowserCredential",
    "ManagedIdentityCredential",
    "OnBehalfOfCredential",
    "Outcome",
    "UsernamePasswordCredential",
    "WorkloadIdentityCredential",
    "get_bearer_token_provider",
]

_MODULES = {
    "Attempt": "explanation",
    "AuthenticationRecord": "authentication_record",
    "AuthenticationRequiredError": "user",
    "AzureAuthorityHosts": "authority_hosts",
    "AzureCliCredential": "tools.azure_cli",
    "AzureDeveloperCliCredential": "tools.azure_developer_cli",
    "AzurePipelinesCredential": "azure_pipelines",
    "AzurePowerShellCredential": "tools.azure_powershell",
    "CertificateCredential": "certificate",
    "ChainFailedError": "errors",
    "ChainedTokenCredential": "chain",
    "ClientAssertionCredential": "client_assertion",
    "ClientSecretCredential": "client_secret",
    "CredentialUnavailableError": "errors",
    "DefaultAzureCredential": "default",
    "DeviceCodeCredential": "device_code",
    "EnvironmentCredential": "environment",
    "Explanation": "explanation",
    "InteractiveBrowserCredential": "interactive_browser",
    "ManagedIdentityCredential": "managed_identity",
    "OnBehalfOfCredential": "on_behalf_of",
    "Outcome": "explanation",
    "UsernamePasswordCredential": "username_password",
    "WorkloadIdentityCredential": "workload_identity",
    "get_bearer_token_provider": "bearer_token_provider",
}


if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
