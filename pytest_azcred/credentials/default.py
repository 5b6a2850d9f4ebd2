"""The chain that apps use without configuring it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .chain import ChainedTokenCredential
from .credential import Credential
from .entra import authority_url
from .environment import EnvironmentCredential
from .managed_identity import ManagedIdentityCredential
from .round import Question
from .workload_identity import WorkloadIdentityCredential

if TYPE_CHECKING:
    from azure.core.credentials import TokenProvider

LINKS = {
    "environmentcredential": "exclude_environment_credential",
    "workloadidentitycredential": "exclude_workload_identity_credential",
    "managedidentitycredential": "exclude_managed_identity_credential",
}
"""The links of the chain in order, as ``AZURE_TOKEN_CREDENTIALS`` calls them, and the keywords to leave them out."""

_NAMES_NOT_SUPPORTED_YET = (
    "dev",
    "visualstudiocodecredential",
    "azureclicredential",
    "azurepowershellcredential",
    "azuredeveloperclicredential",
    "interactivebrowsercredential",
)

_KEYWORDS_OF_OTHER_LINKS = (
    "broker_client_id",
    "broker_tenant_id",
    "exclude_broker_credential",
    "exclude_cli_credential",
    "exclude_developer_cli_credential",
    "exclude_interactive_browser_credential",
    "exclude_powershell_credential",
    "exclude_shared_token_cache_credential",
    "exclude_visual_studio_code_credential",
    "interactive_browser_client_id",
    "interactive_browser_tenant_id",
    "process_timeout",
    "shared_cache_tenant_id",
    "shared_cache_username",
    "visual_studio_code_tenant_id",
)
"""Accepted and ignored: azure-identity 1.27 has links that this version has not."""


class DefaultAzureCredential(ChainedTokenCredential):
    """Finds the identity of the place where the app runs.

    Asks :class:`EnvironmentCredential`, :class:`WorkloadIdentityCredential` and :class:`ManagedIdentityCredential`,
    in this order. The first that gives a token is asked alone from then on. ``AZURE_TOKEN_CREDENTIALS`` can select
    one of them by its name; ``prod`` selects these three.

    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword exclude_environment_credential: leave that link out, or with False keep it whatever is selected.
    :keyword exclude_workload_identity_credential: likewise.
    :keyword exclude_managed_identity_credential: likewise.
    :keyword managed_identity_client_id: the user-assigned identity to use; by default ``AZURE_CLIENT_ID``. None asks
        for the system-assigned one.
    :keyword workload_identity_client_id: the application to use; by default ``managed_identity_client_id``.
    :keyword workload_identity_tenant_id: its tenant; by default ``AZURE_TENANT_ID``.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :keyword disable_instance_discovery: do not ask Entra ID whether the authority is one of its own.
    :keyword imds_probe_timeout: how long the search for IMDS may take altogether, in seconds; by default 1.
    :keyword require_envvar: insist on ``AZURE_TOKEN_CREDENTIALS``.
    :raises TypeError: ``tenant_id`` is given.
    :raises ValueError: the authority is not https, ``AZURE_TOKEN_CREDENTIALS`` has a value that is not known or not
        supported yet, or no link is left.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``. Those of
    azure-identity's other links are accepted and have no effect.
    """

    def __init__(self, **kwargs: Any) -> None:
        if "tenant_id" in kwargs:
            raise TypeError("DefaultAzureCredential takes no tenant_id. Set AZURE_TENANT_ID instead.")
        selected = selected_links(
            os.environ.get("AZURE_TOKEN_CREDENTIALS", ""),
            {link: kwargs.pop(keyword, None) for link, keyword in LINKS.items()},
            required=kwargs.pop("require_envvar", False),
        )
        for keyword in _KEYWORDS_OF_OTHER_LINKS:
            kwargs.pop(keyword, None)
        authority = authority_url(kwargs.pop("authority", None), os.environ)
        identity_client_id = kwargs.pop("managed_identity_client_id", os.environ.get("AZURE_CLIENT_ID"))
        workload_client_id = kwargs.pop("workload_identity_client_id", identity_client_id)
        workload_tenant_id = kwargs.pop("workload_identity_tenant_id", None)
        probe_timeout = kwargs.pop("imds_probe_timeout", 1.0)
        builders: dict[str, Callable[[], TokenProvider]] = {
            "environmentcredential": lambda: EnvironmentCredential(authority=authority, **kwargs),
            "workloadidentitycredential": lambda: WorkloadIdentityCredential(
                authority=authority, client_id=workload_client_id, tenant_id=workload_tenant_id, **kwargs
            ),
            "managedidentitycredential": lambda: ManagedIdentityCredential(
                client_id=identity_client_id,
                imds_probe_timeout=probe_timeout,
                # Whoever asks for managed identity by name expects it to be there, and to be worth its retries.
                _probe=os.environ.get("AZURE_TOKEN_CREDENTIALS", "").strip().lower() != "managedidentitycredential",
                _workload_identity="workloadidentitycredential" in selected,
                **kwargs,
            ),
        }
        super().__init__(*(builders[link]() for link in selected))
        self._successful_credential: TokenProvider | None = None

    def _ask(self, question: Question) -> Any:
        if self._successful_credential is not None:
            return question.read(question.put_to(self._successful_credential))
        self._successful_credential, token = self._first(question)
        if isinstance(self._successful_credential, Credential):
            self._known = self._successful_credential._known  # from now on its calls are these
        return token


def selected_links(value: str, excluded: Mapping[str, bool | None], *, required: bool = False) -> tuple[str, ...]:
    """The links that are part of the chain, in order.

    :param value: that of ``AZURE_TOKEN_CREDENTIALS``.
    :param excluded: for each link what the caller said about leaving it out; None is nothing, and then the variable
        decides.
    :param required: whether the variable must be set.
    :raises ValueError: the variable has a value that is not known or not supported yet, or is not set and must be.
    """
    choice = value.strip().lower()
    valid = ", ".join(("prod", *LINKS))
    if choice in _NAMES_NOT_SUPPORTED_YET:
        raise ValueError(f"AZURE_TOKEN_CREDENTIALS={choice} is not supported yet by this version. Use one of {valid}.")
    if choice and choice != "prod" and choice not in LINKS:
        raise ValueError(f"AZURE_TOKEN_CREDENTIALS={choice} is not known. Use one of {valid}.")
    if required and not choice:
        raise ValueError(f"AZURE_TOKEN_CREDENTIALS is required, but not set. Use one of {valid}.")

    def is_excluded(link: str) -> bool:
        said = excluded.get(link)
        return said if said is not None else choice not in ("", "prod", link)

    return tuple(link for link in LINKS if not is_excluded(link))
