"""The chain that apps use without configuring it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .chain import ChainedTokenCredential, ask
from .credential import name_of
from .links import LINKS, Link, build
from .round import Round
from .token_cache import TokenResult
from .trace import Caller

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider

    from .request import TokenRequest


class DefaultAzureCredential(ChainedTokenCredential):
    """Finds the identity of the place where the app runs.

    Asks these, in this order, and from then on only the first that gave a token: :class:`EnvironmentCredential`,
    :class:`WorkloadIdentityCredential`, :class:`ManagedIdentityCredential`, the shared token cache, Visual Studio
    Code, :class:`AzureCliCredential`, :class:`AzurePowerShellCredential`, :class:`AzureDeveloperCliCredential`,
    :class:`InteractiveBrowserCredential` (only with ``exclude_interactive_browser_credential=False``) and the
    authentication broker. The shared token cache, Visual Studio Code and the broker need native components that
    this library does without; they always say that they are unavailable.

    ``AZURE_TOKEN_CREDENTIALS`` selects links: ``prod`` the first three, ``dev`` the tools of developers, or a single
    one by its name, such as ``ManagedIdentityCredential``.

    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword exclude_environment_credential: leave that link out, or with False keep it whatever is selected.
    :keyword exclude_workload_identity_credential: likewise.
    :keyword exclude_managed_identity_credential: likewise.
    :keyword exclude_shared_token_cache_credential: likewise.
    :keyword exclude_visual_studio_code_credential: likewise.
    :keyword exclude_cli_credential: likewise, the Azure CLI.
    :keyword exclude_powershell_credential: likewise, Azure PowerShell.
    :keyword exclude_developer_cli_credential: likewise, the Azure Developer CLI.
    :keyword exclude_interactive_browser_credential: likewise; by default it is left out.
    :keyword exclude_broker_credential: likewise.
    :keyword managed_identity_client_id: the user-assigned identity to use; by default ``AZURE_CLIENT_ID``. None asks
        for the system-assigned one.
    :keyword workload_identity_client_id: the application to use; by default ``managed_identity_client_id``.
    :keyword workload_identity_tenant_id: its tenant; by default ``AZURE_TENANT_ID``.
    :keyword interactive_browser_tenant_id: the tenant to sign in to; by default ``AZURE_TENANT_ID``.
    :keyword interactive_browser_client_id: the application to sign in to; by default that of the Azure CLI's kind.
    :keyword process_timeout: how long a developer's tool may take, in seconds; by default 10.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :keyword imds_probe_timeout: how long the search for IMDS may take altogether, in seconds; by default 1.
    :keyword require_envvar: insist on ``AZURE_TOKEN_CREDENTIALS``.
    :raises TypeError: ``tenant_id`` is given.
    :raises ValueError: the authority is not https, ``AZURE_TOKEN_CREDENTIALS`` has a value that is not known, a
        variable of a link is malformed, or no link is left.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``. Those that
    configure the links which are never available are accepted.
    """

    _caller = Caller.DEFAULT_CHAIN

    def __init__(self, **kwargs: Any) -> None:
        if "tenant_id" in kwargs:
            raise TypeError("DefaultAzureCredential takes no tenant_id. Set AZURE_TENANT_ID instead.")
        selected = selected_links(
            os.environ.get("AZURE_TOKEN_CREDENTIALS", ""),
            {link.exclude: kwargs.pop(link.exclude, None) for link in LINKS},
            required=kwargs.pop("require_envvar", False),
        )
        super().__init__(*build(selected, kwargs, os.environ))
        self._successful_credential: TokenProvider | None = None
        self._lock = threading.Lock()

    @property
    def selected(self) -> str | None:
        """The class name of the credential that gave the first token, and gives all others; None before that."""
        return name_of(self._successful_credential) if self._successful_credential else None

    def _token(self, request: TokenRequest) -> TokenResult:
        winner = self._successful_credential
        if winner is not None:
            with Round(type(self).__name__, [winner], request).asking_again(winner):
                return ask(winner, request)
        credential, result, _ = self._first_logged(request)
        with self._lock:  # several threads may have asked for the first token
            if self._successful_credential is None:
                self._successful_credential = credential
        return result if credential is self._successful_credential else TokenResult(result.info)


def selected_links(value: str, excluded: Mapping[str, bool | None], *, required: bool = False) -> tuple[Link, ...]:
    """The links that are part of the chain, in order.

    :param value: that of ``AZURE_TOKEN_CREDENTIALS``.
    :param excluded: by keyword, what the caller said about leaving a link out; None is nothing, and then the variable
        decides.
    :param required: whether the variable must be set.
    :raises ValueError: the variable has a value that is not known, or is not set and must be.
    """
    choice = value.strip().lower()
    names = [link.credential for link in LINKS if link.can_be_named]
    valid = f"Use dev, prod or one of {', '.join(names)}."
    if choice not in ("", "dev", "prod", *(name.lower() for name in names)):
        raise ValueError(f"AZURE_TOKEN_CREDENTIALS={choice} is not known. {valid}")
    if required and not choice:
        raise ValueError(f"AZURE_TOKEN_CREDENTIALS is required, but not set. {valid}")

    def is_excluded(link: Link) -> bool:
        keyword = excluded.get(link.exclude)
        if keyword is not None:
            return keyword
        if not choice:
            return not link.by_default
        return choice != link.group if choice in ("dev", "prod") else choice != link.credential.lower()

    return tuple(link for link in LINKS if not is_excluded(link))
