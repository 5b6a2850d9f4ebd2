"""azure-identity as it is installed, its sync and its async half behind the same few methods."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any, TypeVar

Expected = TypeVar("Expected")

HALVES = {"sync": "azure.identity", "aio": "azure.identity.aio"}
OURS = {"sync": "pytest_azcred.credentials", "aio": "pytest_azcred.credentials.aio"}


def release(text: str) -> tuple[int, ...]:
    """Return a version's numbers, which compare as versions do."""
    return tuple(int(number) for number in text.split(".")[:3] if number.isdigit())


IDENTITY = release(version("azure-identity"))


# These hand msal a client of their own, which msal 1.38 and newer do not take for Service Fabric.
WITHOUT_SERVICE_FABRIC = (1, 19) <= IDENTITY < (1, 26)


def for_release(expected: Sequence[tuple[tuple[int, ...], Expected]]) -> Expected:
    """Return what is expected of the installed azure-identity: the table's last line that is not from later on."""
    return [value for since, value in expected if since <= IDENTITY][-1]


class Credential:
    """A credential of either half, whose methods are called as those of the sync one."""

    def __init__(self, wrapped: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.wrapped = wrapped
        self._loop = loop

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return the AccessToken."""
        return self._finish(self.wrapped.get_token(*scopes, **options))

    def get_token_info(self, *scopes: str, **options: Any) -> Any:
        """Return the AccessTokenInfo, in the releases that have it."""
        return self._finish(self.wrapped.get_token_info(*scopes, **({"options": options} if options else {})))

    def call(self, method: str, *arguments: Any) -> Any:
        """Call another method, `__enter__` for entering."""
        asynchronous = {"__enter__": "__aenter__", "__exit__": "__aexit__"}
        name = asynchronous.get(method, method)
        return self._finish(getattr(self.wrapped, name if hasattr(self.wrapped, name) else method)(*arguments))

    def close(self) -> None:
        """Close the credential's connections."""
        self._finish(self.wrapped.close())

    def _finish(self, result: Any) -> Any:
        return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result


class Sdk:
    """One half of azure-identity, or of our library; `close` closes the credentials that it made."""

    def __init__(self, half: str, modules: Mapping[str, str] = HALVES) -> None:
        self.half = half
        self.name = modules[half]
        self._module = import_module(self.name)
        self._loop = asyncio.new_event_loop()
        self._others = set(threading.enumerate())
        self._credentials: list[Credential] = []

    def credential(self, kind: str, *arguments: Any, **keywords: Any) -> Credential:
        """Make a credential of the class with this name."""
        credential = Credential(getattr(self._module, kind)(*arguments, **keywords), self._loop)
        self._credentials.append(credential)
        return credential

    def close(self) -> None:
        """Close everything."""
        for credential in self._credentials:
            credential.close()
        self._loop.run_until_complete(all_closed(self._loop, self._others))
        self._loop.close()


async def all_closed(loop: Any, others: Collection[threading.Thread]) -> None:
    """Wait until a loop has nothing but its own socket and nothing to do, and no process of it is running.

    The `others` are threads from before: a browser's driver, say, lives longer than a test. TLS takes its leave in the
    background, and so do processes: one that was killed is noticed by a thread, the loop then tells the process's
    transport, and only a turn later does that close itself.
    """
    while (  # noqa: ASYNC110  # transports tell nobody that they are closed
        len(loop._selector.get_map()) > 1
        or any("waitpid-" in one.name for one in threading.enumerate() if one not in others)
        or loop._ready
    ):
        await asyncio.sleep(0.001)
