"""The identity that Azure gives to the place where an app runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .credential import Credential, DelegatingCredential, Unavailable
from .imds import Identity, ImdsCredential
from .workload_identity import WorkloadIdentityCredential

_HOSTS = {
    "Service Fabric": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"),
    "App Service": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
    "Azure Arc": ("IDENTITY_ENDPOINT", "IMDS_ENDPOINT"),
    "unknown": ("IDENTITY_ENDPOINT",),
    "Azure ML": ("MSI_ENDPOINT", "MSI_SECRET"),
    "Cloud Shell": ("MSI_ENDPOINT",),
    "workload identity": ("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    "IMDS": (),
}
"""What serves managed identity, by the variables that it sets; the first that matches is it (azure-identity 1.27)."""


class ManagedIdentityCredential(DelegatingCredential):
    """Authenticates with the managed identity of a virtual machine, or with the workload identity of a pod.

    Which of them is decided now. On the other hosts of managed identity this version is unavailable.

    :keyword client_id: the client id of a user-assigned identity; by default the system-assigned one is used.
    :keyword identity_config: names a user-assigned identity by its ``client_id``, ``object_id`` or ``resource_id``.
    :keyword imds_probe_timeout: within a chain, how long the search for IMDS may take altogether, in seconds.
    :raises ValueError: the identity is named in more than one way.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``retry_total``.
    """

    def __init__(
        self,
        *,
        client_id: str | None = None,
        identity_config: Mapping[str, str] | None = None,
        imds_probe_timeout: float = 1.0,
        **kwargs: Any,
    ) -> None:
        probe = kwargs.pop("_probe", True)
        hosts = dict(_HOSTS)
        if not kwargs.pop("_workload_identity", True):
            del hosts["workload identity"]
        identity = named_identity(client_id, identity_config)
        host = detected_host(os.environ, hosts)
        delegate: Credential
        if host == "IMDS":
            delegate = ImdsCredential(identity, probe=probe, probe_timeout=imds_probe_timeout, **kwargs)
        elif host == "workload identity":
            delegate = WorkloadIdentityCredential(client_id=client_id, **kwargs)
        else:
            delegate = Unavailable(
                f"ManagedIdentityCredential is unavailable: the host is {host}, by {', '.join(hosts[host])}. "
                "Of the hosts of managed identity this version supports IMDS only."
            )
        super().__init__(delegate)


def detected_host(environ: Mapping[str, str], hosts: Mapping[str, tuple[str, ...]]) -> str:
    """The first host all of whose variables are there and not empty."""
    return next(host for host, variables in hosts.items() if all(environ.get(name) for name in variables))


def named_identity(client_id: str | None, identity_config: Mapping[str, str] | None) -> Identity | None:
    """The user-assigned identity that a credential was given, if any.

    :raises ValueError: it is named in more than one way.
    """
    config = identity_config or {}
    names = [Identity("client_id", client_id)] if client_id else []
    names += [Identity(kind, config[kind]) for kind in ("client_id", "object_id", "resource_id") if kind in config]
    if len(names) > 1:
        ways = " and ".join(name.kind for name in names)
        raise ValueError(f"The identity is named by {ways}: name it in one way only.")
    return names[0] if names else None
