"""The links of the default chain: their order, how each is left out, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .credential import Credential, Unavailable

Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the links are made of: keywords of the chain, and defaults from the environment."""

    authority: str
    identity_client_id: str | None
    workload_client_id: str | None
    workload_tenant_id: str | None
    browser_tenant_id: str | None
    browser_client_id: str | None
    process_timeout: float
    probe_timeout: float
    probe: bool
    has_workload_identity: bool
    others: Mapping[str, Any]
    """Keywords for every link that asks over the network."""


@dataclass(frozen=True, slots=True)
class Link:
    """One credential of the chain.

    :param credential: the name of its class.
    :param exclude: the keyword that leaves it out.
    :param group: what ``AZURE_TOKEN_CREDENTIALS`` calls the links that it belongs to.
    :param make: makes it.
    :param can_be_named: whether ``AZURE_TOKEN_CREDENTIALS`` may name it.
    :param by_default: whether it is part of the chain if nothing is said.
    """

    credential: str
    exclude: str
    group: Literal["dev", "prod"] | None
    make: Callable[[Settings], Credential]
    can_be_named: bool = True
    by_default: bool = True


def build(links: Sequence[Link], keywords: dict[str, Any], environ: Environ) -> list[Credential]:
    """Make the credentials of a chain.

    :param keywords: those of the chain that are not about leaving links out.
    :raises ValueError: the authority is not https, or a variable or keyword of a link is malformed.
    """
    from .authority_hosts import authority_url

    rest = {name: value for name, value in keywords.items() if name not in _OF_ABSENT_LINKS}
    rest.pop("enable_azure_proxy", None)  # which azure-identity 1.27 leaves to WorkloadIdentityCredential by itself
    identity_client_id = rest.pop("managed_identity_client_id", environ.get("AZURE_CLIENT_ID"))
    settings = Settings(
        authority=authority_url(rest.pop("authority", None), environ),
        identity_client_id=identity_client_id,
        workload_client_id=rest.pop("workload_identity_client_id", identity_client_id),
        workload_tenant_id=rest.pop("workload_identity_tenant_id", environ.get("AZURE_TENANT_ID")),
        browser_tenant_id=rest.pop("interactive_browser_tenant_id", environ.get("AZURE_TENANT_ID")),
        browser_client_id=rest.pop("interactive_browser_client_id", None),
        process_timeout=rest.pop("process_timeout", 10),
        probe_timeout=rest.pop("imds_probe_timeout", 1.0),
        # Whoever asks for managed identity by name expects it to be there, and to be worth its retries.
        probe=environ.get("AZURE_TOKEN_CREDENTIALS", "").strip().lower() != "managedidentitycredential",
        has_workload_identity=any(link.credential == "WorkloadIdentityCredential" for link in links),
        others=rest,
    )
    return [link.make(settings) for link in links]


def _environment(settings: Settings) -> Credential:
    from .environment import EnvironmentCredential

    return EnvironmentCredential(authority=settings.authority, **settings.others)


def _workload_identity(settings: Settings) -> Credential:
    from .workload_identity import WorkloadIdentityCredential

    try:
        return WorkloadIdentityCredential(
            authority=settings.authority,
            client_id=settings.workload_client_id,
            tenant_id=settings.workload_tenant_id,
            **settings.others,
        )
    except ValueError as error:  # as in azure-identity 1.27; its variables may be meant for another link
        return Unavailable(f"WorkloadIdentityCredential is unavailable: {error}", "WorkloadIdentityCredential")


def _managed_identity(settings: Settings) -> Credential:
    from .managed_identity import ManagedIdentityCredential

    return ManagedIdentityCredential._for_default_chain(
        client_id=settings.identity_client_id,
        has_workload_identity=settings.has_workload_identity,
        probe=settings.probe,
        probe_timeout=settings.probe_timeout,
        **settings.others,
    )


def _azure_cli(settings: Settings) -> Credential:
    from .tools.azure_cli import AzureCliCredential

    return AzureCliCredential(process_timeout=settings.process_timeout)


def _azure_powershell(settings: Settings) -> Credential:
    from .tools.azure_powershell import AzurePowerShellCredential

    return AzurePowerShellCredential(process_timeout=settings.process_timeout)


def _azure_developer_cli(settings: Settings) -> Credential:
    from .tools.azure_developer_cli import AzureDeveloperCliCredential

    return AzureDeveloperCliCredential(process_timeout=settings.process_timeout)


def _interactive_browser(settings: Settings) -> Credential:
    from .interactive_browser import InteractiveBrowserCredential

    chosen = {"tenant_id": settings.browser_tenant_id, "client_id": settings.browser_client_id}
    keywords: dict[str, Any] = {keyword: value for keyword, value in chosen.items() if value}
    return InteractiveBrowserCredential(authority=settings.authority, **keywords, **settings.others)


def _absent(name: str, reason: str) -> Callable[[Settings], Credential]:
    return lambda _: Unavailable(f"{name} is unavailable: {reason}", name)


_OF_ABSENT_LINKS = (
    "broker_client_id",
    "broker_tenant_id",
    "shared_cache_tenant_id",
    "shared_cache_username",
    "visual_studio_code_tenant_id",
)
"""Keywords that configure links which are never available here."""

LINKS = (
    Link("EnvironmentCredential", "exclude_environment_credential", "prod", _environment),
    Link("WorkloadIdentityCredential", "exclude_workload_identity_credential", "prod", _workload_identity),
    Link("ManagedIdentityCredential", "exclude_managed_identity_credential", "prod", _managed_identity),
    Link(
        "SharedTokenCacheCredential",
        "exclude_shared_token_cache_credential",
        "dev",
        _absent(
            "SharedTokenCacheCredential", "it reads a cache that only Visual Studio writes. Sign in with az login."
        ),
        can_be_named=False,
    ),
    Link(
        "VisualStudioCodeCredential",
        "exclude_visual_studio_code_credential",
        "dev",
        _absent(
            "VisualStudioCodeCredential",
            "it needs the authentication broker of azure-identity-broker, which this library does without. "
            "Sign in with az login.",
        ),
    ),
    Link("AzureCliCredential", "exclude_cli_credential", "dev", _azure_cli),
    Link("AzurePowerShellCredential", "exclude_powershell_credential", "dev", _azure_powershell),
    Link("AzureDeveloperCliCredential", "exclude_developer_cli_credential", "dev", _azure_developer_cli),
    Link(
        "InteractiveBrowserCredential",
        "exclude_interactive_browser_credential",
        None,
        _interactive_browser,
        by_default=False,
    ),
    Link(
        "BrokerCredential",
        "exclude_broker_credential",
        "dev",
        _absent(
            "BrokerCredential",
            "it needs azure-identity-broker, which this library does without. Sign in with az login.",
        ),
        can_be_named=False,
    ),
)
"""In the order of azure-identity 1.27."""
