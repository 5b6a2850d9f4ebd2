"""The directory that a run starts with: one tenant, and an identity for every place an app can run.

Each has ids of its own, so that a token says which identity won.
"""

import secrets

from azcred_emulators.directory import (
    ADMIN_CONSENT,
    Application,
    ClientSecret,
    Directory,
    FederatedCredential,
    ManagedIdentity,
    Tenant,
    User,
)

TENANT = Tenant("11111111-1111-4111-8111-111111111111", ("contoso.onmicrosoft.com", "contoso.com"))
SUBSCRIPTION_ID = "33333333-3333-4333-8333-333333333333"
RESOURCE_GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/emulated"

SERVICE_PRINCIPAL_CLIENT_ID = "22222222-2222-4222-8222-222222222222"
WORKLOAD_CLIENT_ID = "55555555-5555-4555-8555-555555555555"
VIRTUAL_MACHINE_CLIENT_ID = "66666666-6666-4666-8666-666666666666"

USER_ID = "44444444-4444-4444-8444-aaaaaaaaaaaa"
USER_PRINCIPAL_NAME = "dana@contoso.com"
AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # also azd's, and azure-identity's for developers
# Microsoft's own tools, which every tenant has: they may act for any user, and share their refresh tokens.
DEVELOPER_TOOLS = {
    "Microsoft Azure CLI": AZURE_CLI_CLIENT_ID,
    "Microsoft Azure PowerShell": "1950a258-227b-4e31-a9cf-717495945fc2",
    "Visual Studio Code": "aebc6443-996d-45c2-90f0-388ff96faa56",
}

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
            User(
                name="Dana Developer",
                given_name="Dana",
                surname="Developer",
                tenant_id=TENANT.id,
                object_id=USER_ID,
                principal_name=USER_PRINCIPAL_NAME,
                mail=USER_PRINCIPAL_NAME,
                password=f"azcred~{secrets.token_urlsafe(24)}",
            ),
            *(
                Application(
                    name=name,
                    tenant_id=TENANT.id,
                    client_id=client_id,
                    public_client=True,
                    multi_tenant=True,
                    redirect_uris=("http://localhost", "http://localhost:8400"),
                    permission_grants=(ADMIN_CONSENT,),
                    family=True,
                    reusable_refresh_tokens=True,
                )
                for name, client_id in DEVELOPER_TOOLS.items()
            ),
        ]
    )
    directory.assign("imds", virtual_machine)
    directory.keep()
    return directory
