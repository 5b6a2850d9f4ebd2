"""What the credentials that ask a developer's tool have in common."""

from __future__ import annotations

import os
import re
import sys
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_azcred.credentials.credential import CachingCredential
from pytest_azcred.credentials.request import TokenRequest
from pytest_azcred.credentials.tenants import resolve_tenant, validate_tenant
from pytest_azcred.credentials.trace import Caller, exchange

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo
    from azure.core.exceptions import ClientAuthenticationError

    from .process import Output

_SECRETS = (
    re.compile(r'("(?:accessToken|token)"\s*:\s*")[^"]*', re.IGNORECASE),
    re.compile(r"(azsdk%)[^%\s]*"),
    re.compile(r"()\bey[\w-]{10,}(?:\.[\w-]*)*"),
)


class DeveloperToolCredential(CachingCredential):
    """Runs a tool in which a developer has signed in, and keeps the token that it prints.

    The tool is searched for on ``PATH`` at each call. While it runs for a token, others that need the same one wait for
    it instead of starting another.

    :keyword tenant_id: the tenant to ask; by default the tool's own.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all. Without a
        ``tenant_id`` every tenant is allowed.
    :keyword process_timeout: how long the tool may take, in seconds.
    :raises ValueError: the tenant is malformed.
    """

    label: str
    """What the tool is called in messages."""
    variables: tuple[tuple[str, str], ...] = ()
    """The environment variables that it gets besides those of this process."""

    def __init__(
        self,
        *,
        tenant_id: str = "",
        additionally_allowed_tenants: Iterable[str] | None = None,
        process_timeout: float = 10,
    ) -> None:
        if tenant_id:
            validate_tenant(tenant_id)
        super().__init__()
        self._tenant_id = tenant_id
        self._additionally_allowed_tenants = frozenset(additionally_allowed_tenants or ())
        self._process_timeout = process_timeout

    @property
    def is_configured(self) -> bool:
        """Whether the tool is there."""
        return self._path() is not None

    def _settled(self, request: TokenRequest) -> TokenRequest:
        tenant_id = resolve_tenant(self._tenant_id, request.tenant_id, self._additionally_allowed_tenants, os.environ)
        # A tool neither knows nor cares about CAE.
        return replace(request, tenant_id=tenant_id or None, enable_cae=False)

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        output = self._run(self._arguments(request))
        token = None if output.exit_code else self._read(output.stdout)
        if token is not None:
            return token
        error = self._refusal(output) if output.exit_code else failed(self._unexpected(output))
        # In the default chain nobody asked for this tool: its failure must not end the search.
        raise unavailable(error.message) if request.asked_by is Caller.DEFAULT_CHAIN else error

    def _run(self, arguments: Sequence[str]) -> Output:
        path = self._path()
        if not path:
            raise unavailable(self._not_found())
        from .process import run

        try:
            with exchange(" ".join((os.path.basename(path), *arguments[:2]))) as pending:
                output = run(
                    [path, *arguments],
                    folder=_safe_folder(),
                    environ={**os.environ, **dict(self.variables)},
                    seconds=self._process_timeout,
                )
                pending.outcome = f"exit code {output.exit_code}"
                return output
        except TimeoutError as error:
            reason = f"Failed to invoke {self.label}: it did not answer within {self._process_timeout:g} s."
            raise unavailable(reason) from error
        except OSError as error:
            raise unavailable(f"Failed to execute '{path}' ({error.strerror}).") from error

    @abstractmethod
    def _path(self) -> str | None:
        """Where the tool is."""

    @abstractmethod
    def _arguments(self, request: TokenRequest) -> list[str]:
        """What to call the tool with."""

    @abstractmethod
    def _read(self, stdout: str) -> AccessTokenInfo | None:
        """The token in what it printed; None if there is none."""

    @abstractmethod
    def _not_found(self) -> str:
        """The message for a machine without the tool."""

    @abstractmethod
    def _refusal(self, output: Output) -> ClientAuthenticationError:
        """The error for a tool that ended with one."""

    def _unexpected(self, output: Output) -> str:
        """The message for a tool that printed something else than a token."""
        return f"Unexpected output from {self.label}: '{redacted(output.stdout).strip()}'."


def unavailable(message: str) -> ClientAuthenticationError:
    """The error for a tool that is not there, or in which nobody has signed in."""
    from pytest_azcred.credentials.errors import CredentialUnavailableError

    return CredentialUnavailableError(message=message)


def failed(message: str) -> ClientAuthenticationError:
    """The error for a tool that gives no token."""
    from azure.core.exceptions import ClientAuthenticationError

    return ClientAuthenticationError(message=message)


def redacted(text: str) -> str:
    """What a tool printed, without tokens."""
    for secret in _SECRETS:
        text = secret.sub(r"\1***", text)
    return text


def find(*names: str) -> str | None:
    """The first of these programs that is on ``PATH``."""
    from shutil import which

    return next(filter(None, map(which, names)), None)


def _safe_folder() -> str:
    """A working directory in which nobody can have put a program of the tool's name."""
    if sys.platform != "win32":
        return "/bin"
    folder = os.environ.get("SYSTEMROOT")
    if not folder:
        raise unavailable("Environment variable 'SYSTEMROOT' has no value")
    return folder
