"""The directory that a run starts with: one tenant, and an identity for every place an app can run.

Each has ids of its own, so that a token says which identity won.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping

from azcred_emulators.directory.entities import (
    ADMIN_CONSENT,
    Application,
    ClientSecret,
    FederatedCredential,
    ManagedIdentity,
    Subscription,
    Tenant,
    User,
)
from azcred_emulators.directory.identifiers import (
    AZURE_CLI_CLIENT_ID,
    CLUSTER_ISSUER,
    GITHUB_BRANCH,
    GITHUB_ISSUER,
    PIPELINES_ISSUER,
    RESOURCE_GROUP,
    SERVICE_ACCOUNT,
    SERVICE_CONNECTION,
    SERVICE_PRINCIPAL_CLIENT_ID,
    SUBSCRIPTION_ID,
    TENANT_ID,
    USER_ID,
    USER_PRINCIPAL_NAME,
    VIRTUAL_MACHINE_CLIENT_ID,
    WORKLOAD_CLIENT_ID,
    identity_binding_issuer,
    object_id,
)
from azcred_emulators.directory.store import Directory
from azcred_emulators.environments import ENVIRONMENTS

__all__ = [
    "AZURE_CLI_CLIENT_ID",
    "CLUSTER_ISSUER",
    "DEVELOPER_TOOLS",
    "RESOURCE_GROUP",
    "SERVICE_ACCOUNT",
    "SERVICE_PRINCIPAL_CLIENT_ID",
    "SUBSCRIPTION",
    "SUBSCRIPTION_ID",
    "TENANT",
    "USER_ID",
    "USER_PRINCIPAL_NAME",
    "VIRTUAL_MACHINE_CLIENT_ID",
    "WORKLOAD_CLIENT_ID",
    "contoso",
]

TENANT = Tenant(TENANT_ID, ("contoso.onmicrosoft.com", "contoso.com"))
SUBSCRIPTION = Subscription(name="Emulated Subscription", tenant_id=TENANT_ID, id=SUBSCRIPTION_ID)
# Microsoft's own tools, which every tenant has: they may act for any user, and share their refresh tokens.
DEVELOPER_TOOLS = {
    "Microsoft Azure CLI": AZURE_CLI_CLIENT_ID,
    "Microsoft Azure PowerShell": "1950a258-227b-4e31-a9cf-717495945fc2",
    "Visual Studio Code": "aebc6443-996d-45c2-90f0-388ff96faa56",
}
_ISSUERS: Mapping[str, Callable[[str], str]] = {
    "kubernetes": lambda _: CLUSTER_ISSUER,
    "kubernetes-identity-binding": identity_binding_issuer,
}
_PIPELINES = {
    "azure-pipelines": (PIPELINES_ISSUER, SERVICE_CONNECTION),
    "github-actions": (GITHUB_ISSUER, GITHUB_BRANCH),
}
_USER_ASSIGNED = f"{RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


def contoso() -> Directory:
    """Return a new directory; its secrets are made anew each time."""
    directory = Directory([TENANT, SUBSCRIPTION, *_service_principals(), *_managed_identities(), *_people()])
    for environment in ENVIRONMENTS.values():
        host, identity = environment.host, directory.principal(environment.client_id or "")
        if host and isinstance(identity, ManagedIdentity) and not directory.assigned(host):  # several share IMDS
            directory.assign(host, identity)
            directory.set_resource_id(host, environment.resource_id)
    directory.keep()
    return directory


def _managed_identities() -> Iterator[ManagedIdentity]:
    """Yield the identities of hosts and of pods; pods' trust who makes the pods' tokens."""
    for environment in ENVIRONMENTS.values():
        client, name = environment.client_id, environment.name
        if client and environment.provider != "environment" and name not in _PIPELINES:
            issuer = _ISSUERS.get(name)
            yield ManagedIdentity(
                name="workload-identity" if client == WORKLOAD_CLIENT_ID else name,
                tenant_id=TENANT_ID,
                client_id=client,
                object_id=object_id(client),
                resource_id=f"{_USER_ASSIGNED}/{name}" if environment.user_assigned else environment.resource_id,
                system_assigned=not environment.user_assigned,
                federated_credentials=(FederatedCredential(issuer(client), SERVICE_ACCOUNT),) if issuer else (),
            )


def _service_principals() -> Iterator[Application]:
    """Yield the service principals that variables name, each with a secret, and those that trust a pipeline."""
    for environment in ENVIRONMENTS.values():
        trusted = _PIPELINES.get(environment.name)
        if environment.client_id and (environment.provider == "environment" or trusted):
            yield Application(
                name="service-principal" if environment.client_id == SERVICE_PRINCIPAL_CLIENT_ID else environment.name,
                tenant_id=TENANT_ID,
                client_id=environment.client_id,
                object_id=object_id(environment.client_id),
                secrets=() if trusted else (ClientSecret(f"azcred~{secrets.token_urlsafe(24)}"),),
                federated_credentials=(FederatedCredential(*trusted),) if trusted else (),
            )


def _people() -> Iterator[User | Application]:
    """Yield a user, and the tools that users have."""
    yield User(
        name="Dana Developer",
        given_name="Dana",
        surname="Developer",
        tenant_id=TENANT_ID,
        object_id=USER_ID,
        principal_name=USER_PRINCIPAL_NAME,
        mail=USER_PRINCIPAL_NAME,
        password=f"azcred~{secrets.token_urlsafe(24)}",
    )
    for name, client in DEVELOPER_TOOLS.items():
        yield Application(
            name=name,
            tenant_id=TENANT_ID,
            client_id=client,
            public_client=True,
            multi_tenant=True,
            redirect_uris=("http://localhost", "http://localhost:8400"),
            permission_grants=(ADMIN_CONSENT,),
            family=True,
            reusable_refresh_tokens=True,
        )
