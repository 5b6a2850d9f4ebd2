"""azure-identity's credentials and ours, behind the same few methods: what a test says of one must hold for all."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from azure.core.exceptions import ClientAuthenticationError
from support.sdk import Credential

from pytest_azcred.azcred import Azcred

IMPLEMENTATIONS = {
    "azure-identity": "azure.identity",
    "ours": "pytest_azcred.credentials",
    "ours aio": "pytest_azcred.credentials.aio",
}


class Waiting(Credential):
    """A credential with the methods of those that users sign in with, too."""

    def authenticate(self, **options: Any) -> Any:
        """Return the AuthenticationRecord."""
        return self._finish(self.wrapped.authenticate(**options))


class Implementation:
    """One package of credentials; `close` closes those that it made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_ours = name != "azure-identity"
        self._module = import_module(IMPLEMENTATIONS[name])
        self._loop = asyncio.new_event_loop()
        self._credentials: list[Credential] = []

    def __getattr__(self, name: str) -> Any:
        """Return a function that makes credentials of the class with this name."""
        kind = getattr(self._module, name)

        def make(*arguments: Any, **keywords: Any) -> Any:
            credential = Waiting(kind(*arguments, **keywords), self._loop)
            self._credentials.append(credential)
            return credential

        return make

    def close(self) -> None:
        """Close everything."""
        for credential in self._credentials:
            credential.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


def kind_of(error: BaseException) -> str:
    """Return what a chain makes of an error: the next credential is asked if one is unavailable, not if one failed."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "CredentialUnavailableError" in names:
        return "unavailable"
    return "failed" if isinstance(error, ClientAuthenticationError) else type(error).__name__


def asked(azcred: Azcred) -> list[tuple[object, ...]]:
    """Return the requests that arrived, by all that an emulator looks at."""
    return [
        (entry.operation, entry.tenant, entry.grant, entry.identity, entry.resource, entry.status, entry.error)
        for entry in azcred.journal.requests()
    ]
