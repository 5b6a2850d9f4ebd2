"""The identity that Azure gives to the place where an app runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .credential import Credential, DelegatingCredential, Unavailable
from .identity import Identity, named_identity

HOSTS: Mapping[str, tuple[str, ...]] = {
    "service_fabric": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"),
    "app_service": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
    "azure_arc": ("IDENTITY_ENDPOINT", "IMDS_ENDPOINT"),
    "unknown": ("IDENTITY_ENDPOINT",),
    "machine_learning": ("MSI_ENDPOINT", "MSI_SECRET"),
    "cloud_shell": ("MSI_ENDPOINT",),
    "workload_identity": ("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    "imds": (),
}
"""What serves managed identity, by the variables that it sets; the first that matches is it (azure-identity 1.27)."""


class ManagedIdentityCredential(DelegatingCredential):
    """Authenticates with the managed identity of the place where the app runs.

    That is, by the variables that are set now: Service Fabric, App Service (also Functions and Container Apps), a
    server with Azure Arc, Azure ML, Cloud Shell, a pod with workload identity, or else a virtual machine.

    :keyword client_id: the client id of a user-assigned identity; by default the system-assigned one is used.
    :keyword identity_config: names a user-assigned identity by its ``client_id``, ``object_id`` or ``resource_id``.
    :keyword imds_probe_timeout: within a chain, how long the search for the virtual machine's metadata service (IMDS)
        may take altogether, in seconds.
    :raises ValueError: the identity is named in more than one way, or in Cloud Shell, which has none to choose from;
        or a pod with workload identity says nowhere which application it is.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``retry_total``. With a transport
    of its own, Service Fabric's endpoint is not known by its thumbprint: the transport decides whom to trust.
    """

    def __init__(
        self,
        *,
        client_id: str | None = None,
        identity_config: Mapping[str, str] | None = None,
        imds_probe_timeout: float = 1.0,
        **kwargs: Any,
    ) -> None:
        identity = named_identity(client_id, identity_config)
        host = detected_host(os.environ, HOSTS)
        if host == "cloud_shell" and identity:
            raise ValueError(f"Cloud Shell has no identities to choose from: leave {identity.kind} out.")
        super().__init__(_delegate(host, identity, probe=True, probe_timeout=imds_probe_timeout, **kwargs))

    @classmethod
    def _for_default_chain(
        cls,
        *,
        client_id: str | None,
        identity_config: Mapping[str, str] | None = None,
        has_workload_identity: bool,
        probe: bool,
        probe_timeout: float,
        **http: Any,
    ) -> ManagedIdentityCredential:
        """The one of the default chain, where ``AZURE_CLIENT_ID`` may be meant for another link.

        :param has_workload_identity: whether the chain is to use the workload identity of a pod.
        :param probe: whether to find out first if IMDS is there at all.
        :param probe_timeout: how long that may take altogether, in seconds.
        """
        identity = named_identity(client_id, identity_config)
        hosts = {host: HOSTS[host] for host in HOSTS if has_workload_identity or host != "workload_identity"}
        host = detected_host(os.environ, hosts)
        credential = cls.__new__(cls)
        delegate = _delegate(host, identity, probe=probe, probe_timeout=probe_timeout, **http)
        DelegatingCredential.__init__(credential, delegate)
        return credential


def _delegate(host: str, identity: Identity | None, *, probe: bool, probe_timeout: float, **http: Any) -> Credential:
    if host == "imds":
        from .imds import ImdsCredential

        return ImdsCredential(identity, probe=probe, probe_timeout=probe_timeout, **http)
    if host == "workload_identity":
        from .workload_identity import WorkloadIdentityCredential

        client_id = identity.value if identity and identity.kind == "client_id" else os.environ.get("AZURE_CLIENT_ID")
        if not client_id:
            raise ValueError("This pod has a workload identity, but no application: give client_id or AZURE_CLIENT_ID.")
        return WorkloadIdentityCredential(client_id=client_id, **http)
    if host == "unknown":
        return Unavailable(
            "ManagedIdentityCredential is unavailable: the host cannot be told, for of its variables only "
            "IDENTITY_ENDPOINT is set. App Service would set IDENTITY_HEADER, Azure Arc IMDS_ENDPOINT."
        )
    from .hosts.host import HostCredential

    return HostCredential(import_module(f"{__package__}.hosts.{host}").HOST, identity, os.environ, **http)


def detected_host(environ: Mapping[str, str], hosts: Mapping[str, tuple[str, ...]]) -> str:
    """The first host all of whose variables are there and not empty."""
    return next(host for host, variables in hosts.items() if all(environ.get(name) for name in variables))
