"""The DefaultAzureCredential chain, as a library.

The names, keywords, environment variables and order are those of azure-identity 1.27. Nothing is imported until a
name is used: importing this package costs neither msal nor azure-core.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chain import ChainedTokenCredential
    from .client_assertion import ClientAssertionCredential
    from .client_secret import ClientSecretCredential
    from .default import DefaultAzureCredential
    from .environment import EnvironmentCredential
    from .errors import CredentialUnavailableError
    from .managed_identity import ManagedIdentityCredential
    from .workload_identity import WorkloadIdentityCredential

__all__ = [
    "ChainedTokenCredential",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "CredentialUnavailableError",
    "DefaultAzureCredential",
    "EnvironmentCredential",
    "ManagedIdentityCredential",
    "WorkloadIdentityCredential",
]

_MODULES = {
    "ChainedTokenCredential": "chain",
    "ClientAssertionCredential": "client_assertion",
    "ClientSecretCredential": "client_secret",
    "CredentialUnavailableError": "errors",
    "DefaultAzureCredential": "default",
    "EnvironmentCredential": "environment",
    "ManagedIdentityCredential": "managed_identity",
    "WorkloadIdentityCredential": "workload_identity",
}


if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
