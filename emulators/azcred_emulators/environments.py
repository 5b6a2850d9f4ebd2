"""The places an app can run in: what each sets up, and which provider must win there."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from azcred_emulators import contoso
from azcred_emulators.directory import Application

if TYPE_CHECKING:
    from azcred_emulators.emulators import Emulators

Variables = Callable[["Emulators", Path], Mapping[str, str | None]]
Files = Callable[["Emulators"], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A place an app can run in.

    `provider` is the link of the chain that must win there and `client_id` the identity it finds, both None where
    there is none. `host` is the managed identity host that answers at its well-known address. `executables` are the
    fake tools on PATH. `files` makes the content of the environment's files by name, and `variables` its variables,
    given the folder of the files.
    """

    name: str
    description: str
    provider: str | None = None
    client_id: str | None = None
    host: str | None = None
    executables: tuple[str, ...] = ()
    variables: Variables = lambda _emulators, _folder: {}
    files: Files = lambda _emulators: {}


def _service_principal(emulators: "Emulators", _: Path) -> Mapping[str, str]:
    application = emulators.directory.principal(contoso.SERVICE_PRINCIPAL_CLIENT_ID)
    secret = application.secrets[-1].value if isinstance(application, Application) and application.secrets else ""
    return {
        "AZURE_CLIENT_ID": contoso.SERVICE_PRINCIPAL_CLIENT_ID,
        "AZURE_CLIENT_SECRET": secret,
        "AZURE_TENANT_ID": contoso.TENANT.id,
    }


_PROJECTED_TOKEN = "azure-identity-token"


def _workload_identity(_: "Emulators", folder: Path) -> Mapping[str, str]:
    """Set what the mutating webhook of AKS workload identity sets (Azure/azure-workload-identity)."""
    return {
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "AZURE_CLIENT_ID": contoso.WORKLOAD_CLIENT_ID,
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / _PROJECTED_TOKEN),
        "AZURE_TENANT_ID": contoso.TENANT.id,
    }


def _projected_token(emulators: "Emulators") -> Mapping[str, str]:
    """Make the token that the kubelet projects, without a line break: azure-identity sends the file as it is."""
    return {_PROJECTED_TOKEN: emulators.issuers.get(contoso.CLUSTER_ISSUER).assertion(contoso.SERVICE_ACCOUNT)}


ENVIRONMENTS: Mapping[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment(name="nothing", description="a machine without any Azure identity"),
        Environment(
            name="virtual-machine",
            description="a virtual machine with a system-assigned managed identity, served by IMDS",
            provider="managed-identity",
            client_id=contoso.VIRTUAL_MACHINE_CLIENT_ID,
            host="imds",
        ),
        Environment(
            name="kubernetes",
            description="a pod on AKS with workload identity: a projected token and the webhook's variables",
            provider="workload-identity",
            client_id=contoso.WORKLOAD_CLIENT_ID,
            variables=_workload_identity,
            files=_projected_token,
        ),
        Environment(
            name="developer-service-principal",
            description="a developer's machine with a service principal's secret in the variables",
            provider="environment",
            client_id=contoso.SERVICE_PRINCIPAL_CLIENT_ID,
            variables=_service_principal,
        ),
    )
}


def find(name: str) -> Environment:
    """Return the environment of this name; raises LookupError with the nearest names if there is none."""
    if name in ENVIRONMENTS:
        return ENVIRONMENTS[name]
    near = difflib.get_close_matches(name, ENVIRONMENTS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(ENVIRONMENTS)}."
    raise LookupError(f"there is no environment {name!r}; {hint}")
