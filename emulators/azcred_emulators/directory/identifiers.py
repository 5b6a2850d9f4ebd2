"""The ids in the directory that a run starts with; each identity has its own, so a token shows whose it is.

This module has nothing but text: modules that need only the ids import nothing else.
"""

TENANT_ID = "11111111-1111-4111-8111-111111111111"
SUBSCRIPTION_ID = "33333333-3333-4333-8333-333333333333"
RESOURCE_GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/emulated"
REGION = "westeurope"
REGION_DISPLAY_NAME = "West Europe"

SERVICE_PRINCIPAL_CLIENT_ID = "22222222-2222-4222-8222-222222222222"
WORKLOAD_CLIENT_ID = "55555555-5555-4555-8555-555555555555"
VIRTUAL_MACHINE_CLIENT_ID = "66666666-6666-4666-8666-666666666666"

USER_ID = "44444444-4444-4444-8444-aaaaaaaaaaaa"
USER_PRINCIPAL_NAME = "dana@contoso.com"
AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # also azd's and azure-identity's

CLUSTER_ISSUER = f"https://{REGION}.oic.prod-aks.azure.com/{TENANT_ID}/77777777-7777-4777-8777-777777777777/"
SERVICE_ACCOUNT = "system:serviceaccount:default:app"
PIPELINES_ISSUER = "https://vstoken.dev.azure.com/88888888-8888-4888-8888-888888888888"
DEVOPS_ORGANIZATION = "contoso"
DEVOPS_PROJECT = "app"
SERVICE_CONNECTION = f"sc://{DEVOPS_ORGANIZATION}/{DEVOPS_PROJECT}/azure"
SERVICE_CONNECTION_ID = "99999999-9999-4999-8999-999999999999"
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITHUB_REPOSITORY = "contoso/app"
GITHUB_REF = "refs/heads/main"
GITHUB_BRANCH = f"repo:{GITHUB_REPOSITORY}:ref:{GITHUB_REF}"


def client_id(number: int) -> str:
    """Return the client id of the numbered identity."""
    return f"aaaa{number:04d}-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def object_id(client: str) -> str:
    """Return the object id of the identity with this client id."""
    return f"{client[:24]}bbbbbbbbbbbb"


def identity_binding_issuer(client: str) -> str:
    """Return the issuer of the tokens that AKS makes for pods bound to an identity."""
    return f"https://ib.oic.prod-aks.azure.com/{TENANT_ID}/{client}"


def resource_name(resource_id: str) -> str:
    """Return the name of the resource with this ARM id."""
    return resource_id.rpartition("/")[2]


def resource_group_name(resource_id: str) -> str:
    """Return the name of the resource group in an ARM id."""
    return resource_id.split("/")[4]
