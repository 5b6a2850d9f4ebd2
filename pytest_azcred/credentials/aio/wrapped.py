"""Each credential's asynchronous class. What it does and takes is said of its synchronous namesake."""

from __future__ import annotations

import pytest_azcred.credentials as sync

from .credential import AsyncCredential, wrapping


class ClientAssertionCredential(AsyncCredential):
    """An application that proves who it is with a token of another issuer."""

    @wrapping(sync.ClientAssertionCredential)
    def __init__(self) -> None: ...


class ClientSecretCredential(AsyncCredential):
    """An application with a secret."""

    @wrapping(sync.ClientSecretCredential)
    def __init__(self) -> None: ...


class EnvironmentCredential(AsyncCredential):
    """An application described by environment variables."""

    @wrapping(sync.EnvironmentCredential)
    def __init__(self) -> None: ...


class ManagedIdentityCredential(AsyncCredential):
    """The identity that Azure gives to the place where an app runs."""

    @wrapping(sync.ManagedIdentityCredential)
    def __init__(self) -> None: ...


class WorkloadIdentityCredential(AsyncCredential):
    """A pod on Kubernetes that proves who it is with its service account's token."""

    @wrapping(sync.WorkloadIdentityCredential)
    def __init__(self) -> None: ...
