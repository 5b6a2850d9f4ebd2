"""Each credential's asynchronous class. What it does and takes is said of its synchronous namesake."""

from __future__ import annotations

import pytest_azcred.credentials as sync

from .credential import WrappingCredential, wrapping
from .user import AsyncUserCredential


class AzureCliCredential(WrappingCredential):
    """The Azure CLI in which a developer has signed in."""

    @wrapping(sync.AzureCliCredential)
    def __init__(self) -> None: ...


class AzureDeveloperCliCredential(WrappingCredential):
    """The Azure Developer CLI in which a developer has signed in."""

    @wrapping(sync.AzureDeveloperCliCredential)
    def __init__(self) -> None: ...


class AzurePipelinesCredential(WrappingCredential):
    """A pipeline of Azure DevOps that acts as its service connection's application."""

    @wrapping(sync.AzurePipelinesCredential)
    def __init__(self) -> None: ...


class AzurePowerShellCredential(WrappingCredential):
    """Azure PowerShell in which a developer has signed in."""

    @wrapping(sync.AzurePowerShellCredential)
    def __init__(self) -> None: ...


class CertificateCredential(WrappingCredential):
    """An application with a certificate."""

    @wrapping(sync.CertificateCredential)
    def __init__(self) -> None: ...


class ClientAssertionCredential(WrappingCredential):
    """An application that proves who it is with a token of another issuer."""

    @wrapping(sync.ClientAssertionCredential)
    def __init__(self) -> None: ...


class ClientSecretCredential(WrappingCredential):
    """An application with a secret."""

    @wrapping(sync.ClientSecretCredential)
    def __init__(self) -> None: ...


class DeviceCodeCredential(AsyncUserCredential):
    """A user who signs in on another device."""

    @wrapping(sync.DeviceCodeCredential)
    def __init__(self) -> None: ...


class EnvironmentCredential(WrappingCredential):
    """An application described by environment variables."""

    @wrapping(sync.EnvironmentCredential)
    def __init__(self) -> None: ...


class InteractiveBrowserCredential(AsyncUserCredential):
    """A user who signs in in the browser."""

    @wrapping(sync.InteractiveBrowserCredential)
    def __init__(self) -> None: ...


class ManagedIdentityCredential(WrappingCredential):
    """The identity that Azure gives to the place where an app runs."""

    @wrapping(sync.ManagedIdentityCredential)
    def __init__(self) -> None: ...


class OnBehalfOfCredential(WrappingCredential):
    """An API that calls another one for the user who called it."""

    @wrapping(sync.OnBehalfOfCredential)
    def __init__(self) -> None: ...


class UsernamePasswordCredential(AsyncUserCredential):
    """A user's name and password. Deprecated."""

    @wrapping(sync.UsernamePasswordCredential)
    def __init__(self) -> None: ...


class WorkloadIdentityCredential(WrappingCredential):
    """A pod on Kubernetes that proves who it is with its service account's token."""

    @wrapping(sync.WorkloadIdentityCredential)
    def __init__(self) -> None: ...
