"""The DefaultAzureCredential chain for asyncio and trio.

The names are those of ``azure.identity.aio`` 1.27. Each class takes what its synchronous namesake in
``pytest_azcred.credentials`` takes. Nothing is imported until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bearer_token_provider import get_bearer_token_provider
    from .chain import ChainedTokenCredential
    from .default import DefaultAzureCredential
    from .wrapped import (
        AzureCliCredential,
        AzureDeveloperCliCredential,
        AzurePipelinesCredential,
        AzurePowerShellCredential,
        CertificateCredential,
        ClientAssertionCredential,
        ClientSecretCredential,
        DeviceCodeCredential,
        EnvironmentCredential,
        InteractiveBrowserCredential,
        ManagedIdentityCredential,
        OnBehalfOfCredential,
        UsernamePasswordCredential,
        WorkloadIdentityCredential,
    )

__all__ = [
    "AzureCliCredential",
    "AzureDeveloperCliCredential",
    "AzurePipelinesCredential",
    "AzurePowerShellCredential",
    "CertificateCredential",
    "ChainedTokenCredential",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "DefaultAzureCredential",
    "DeviceCodeCredential",
    "EnvironmentCredential",
    "InteractiveBrowserCredential",
    "ManagedIdentityCredential",
    "OnBehalfOfCredential",
    "UsernamePasswordCredential",
    "WorkloadIdentityCredential",
    "get_bearer_token_provider",
]

_MODULES = {
    "ChainedTokenCredential": "chain",
    "DefaultAzureCredential": "default",
    "get_bearer_token_provider": "bearer_token_provider",
}


if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'wrapped')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
