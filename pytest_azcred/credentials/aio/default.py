"""The chain that asynchronous apps use without configuring it."""

from __future__ import annotations

from pytest_azcred.credentials import default

from .credential import AsyncCredential, wrapping


class DefaultAzureCredential(AsyncCredential):
    """Finds the identity of the place where the app runs."""

    @wrapping(default.DefaultAzureCredential)
    def __init__(self) -> None: ...
