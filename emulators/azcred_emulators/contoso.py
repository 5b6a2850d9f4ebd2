"""The directory that a run starts with: one tenant, and an identity for every place an app can run.

Each has ids of its own, so that a token says which identity won.
"""

import secrets

from azcred_emulators.directory import (
    Application,
    ClientSecret,
    Directory,
    FederatedCredential,
    ManagedIdentity,
    Tenant,
)

TENANT = Tenant("11111111-1111-4111-8111-111111111111", ("contoso.onmicrosoft.com", "contoso.com"))
SUBSCRIPTION_ID = "33333333-3333-4333-8333-333333333333"
RESOURCE_GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/emulated"

SERVICE_PRINCIPAL_CLIENT_ID = "22222222-2222-4222-8222-222222222222"
WORKLOAD_CLIENT_ID = "55555555-5555-4555-8555-555555555555"
VIRTUAL_MACHINE_CLIENT_ID = "66666666-6666-4666-8666-666666666666"

CLUSTER_ISSUER = f"https://westeurope.oic.prod-aks.azure.com/{TENANT.id}/77777777-7777-4777-8777-777777777777/"
SERVICE_ACCOUNT = "system:serviceaccount:default:app"


def contoso() -> Directory:
    """Return a new directory; its secrets are made anew each time."""
    directory = Directory(
        [
            TENANT,
            Application(
                name="service-principal",
                tenant_id=TENANT.id,
                client_id=SERVICE_PRINCIPAL_CLIENT_ID,
                object_id="22222222-2222-4222-8222-aaaaaaaaaaaa",
                secrets=(ClientSecret(f"azcred~{secrets.token_urlsafe(24)}"),),
            ),
            ManagedIdentity(
                name="workload-identity",
                tenant_id=TENANT.id,
                client_id=WORKLOAD_CLIENT_ID,
                object_id="55555555-5555-4555-8555-aaaaaaaaaaaa",
                resource_id=(
                    f"{RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/workload-identity"
                ),
                federated_credentials=(FederatedCredential(CLUSTER_ISSUER, SERVICE_ACCOUNT),),
            ),
            virtual_machine := ManagedIdentity(
                name="virtual-machine",
                tenant_id=TENANT.id,
                client_id=VIRTUAL_MACHINE_CLIENT_ID,
                object_id="66666666-6666-4666-8666-aaaaaaaaaaaa",
                resource_id=f"{RESOURCE_GROUP}/providers/Microsoft.Compute/virtualMachines/emulated-vm",
                system_assigned=True,
            ),
        ]
    )
    directory.assign("imds", virtual_machine)
    directory.keep()
    return directory
