"""The places an app can run in: what each sets up, and which provider must win there.

Adding one is adding an entry to `ENVIRONMENTS`; fixtures, the marker, the demo and the tests come from there. Only
what the table itself needs is imported, since the plugin reads it before any test runs.
"""

from collections.abc import Mapping, Sequence

from azcred_emulators.clouds import IMDS_ADDRESS
from azcred_emulators.directory.identifiers import (
    CLUSTER_ISSUER,
    GITHUB_BRANCH,
    GITHUB_ISSUER,
    PIPELINES_ISSUER,
    RESOURCE_GROUP,
    SERVICE_ACCOUNT,
    SERVICE_CONNECTION,
    SERVICE_PRINCIPAL_CLIENT_ID,
    USER_PRINCIPAL_NAME,
    VIRTUAL_MACHINE_CLIENT_ID,
    WORKLOAD_CLIENT_ID,
    client_id,
    identity_binding_issuer,
)
from azcred_emulators.environments import platforms
from azcred_emulators.environments import preparations as prepare
from azcred_emulators.environments.environment import Address, Environment
from azcred_emulators.environments.identities import ServicePrincipal, SystemAssigned, UserAssigned

_PROVIDERS = f"{RESOURCE_GROUP}/providers"
_METADATA_SERVICE: Sequence[Address] = ((IMDS_ADDRESS, 80),)


def _loopback(port: int) -> Sequence[Address]:
    """Return the addresses of a service that listens on this machine alone."""
    return (("127.0.0.1", port), ("::1", port))


ENVIRONMENTS: Mapping[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment(
            name="nothing",
            description="a machine without any Azure identity",
        ),
        Environment(
            name="virtual-machine",
            alias="managed-identity",
            description="a virtual machine with a system-assigned managed identity, served by IMDS",
            provider="managed-identity",
            identity=SystemAssigned(VIRTUAL_MACHINE_CLIENT_ID),
            host="imds",
            addresses=_METADATA_SERVICE,
            resource_id=f"{_PROVIDERS}/Microsoft.Compute/virtualMachines/emulated-vm",
        ),
        Environment(
            name="scale-set",
            description="an instance of a virtual machine scale set with a user-assigned managed identity",
            provider="managed-identity",
            identity=UserAssigned(client_id(1)),
            host="imds",
            addresses=_METADATA_SERVICE,
            resource_id=f"{_PROVIDERS}/Microsoft.Compute/virtualMachineScaleSets/emulated-vmss",
        ),
        Environment(
            name="container-instances",
            description="a container group of Azure Container Instances with a system-assigned managed identity",
            provider="managed-identity",
            identity=SystemAssigned(client_id(2)),
            host="imds",
            addresses=_METADATA_SERVICE,
            resource_id=f"{_PROVIDERS}/Microsoft.ContainerInstance/containerGroups/emulated-group",
        ),
        Environment(
            name="kubernetes-node",
            description="a pod on AKS without workload identity, which finds the identity of its node's kubelet",
            provider="managed-identity",
            identity=UserAssigned(client_id(3)),
            host="imds",
            addresses=_METADATA_SERVICE,
            resource_id=f"{_PROVIDERS}/Microsoft.Compute/virtualMachineScaleSets/aks-nodepool1-emulated-vmss",
            platform=platforms.kubernetes,
        ),
        Environment(
            name="app-service",
            description="a web app on App Service with a system-assigned managed identity",
            provider="managed-identity",
            identity=SystemAssigned(client_id(4)),
            resource_id=f"{_PROVIDERS}/Microsoft.Web/sites/emulated-app",
            platform=platforms.app_service,
            host="app-service",
            variables=prepare.host_variables("app-service"),
        ),
        Environment(
            name="functions",
            description="a function app on Azure Functions with a user-assigned managed identity",
            provider="managed-identity",
            identity=UserAssigned(client_id(5)),
            resource_id=f"{_PROVIDERS}/Microsoft.Web/sites/emulated-functions",
            platform=platforms.functions,
            host="functions",
            variables=prepare.host_variables("functions"),
        ),
        Environment(
            name="container-apps",
            description="a container of Azure Container Apps with a system-assigned managed identity",
            provider="managed-identity",
            identity=SystemAssigned(client_id(6)),
            resource_id=f"{_PROVIDERS}/Microsoft.App/containerApps/emulated-app",
            platform=platforms.container_apps,
            host="container-apps",
            variables=prepare.host_variables("container-apps"),
        ),
        Environment(
            name="azure-arc",
            description="an on-premises server connected through Azure Arc, with its system-assigned identity",
            provider="managed-identity",
            identity=SystemAssigned(client_id(7)),
            host="azure-arc",
            addresses=_loopback(40342),
            agent_folders=("/var/opt/azcmagent", "/opt/azcmagent"),
            resource_id=f"{_PROVIDERS}/Microsoft.HybridCompute/machines/emulated-server",
            variables=prepare.host_variables("azure-arc"),
            prepare=prepare.install("azure-arc"),
        ),
        Environment(
            name="service-fabric",
            description="an application on a managed Service Fabric cluster with a user-assigned managed identity",
            provider="managed-identity",
            identity=UserAssigned(client_id(8)),
            resource_id=f"{_PROVIDERS}/Microsoft.ServiceFabric/managedclusters/emulated-cluster",
            host="service-fabric",
            platform=platforms.service_fabric,
            variables=prepare.host_variables("service-fabric"),
        ),
        Environment(
            name="cloud-shell",
            description="a session of Azure Cloud Shell, whose tokens are its user's",
            provider="managed-identity",
            user=USER_PRINCIPAL_NAME,
            host="cloud-shell",
            addresses=_loopback(50342),
            platform=platforms.cloud_shell,
            variables=prepare.host_variables("cloud-shell"),
        ),
        Environment(
            name="machine-learning",
            description="a compute instance of Azure Machine Learning with a user-assigned managed identity",
            provider="managed-identity",
            identity=UserAssigned(client_id(9)),
            resource_id=f"{_PROVIDERS}/Microsoft.MachineLearningServices/workspaces/emulated/computes/emulated-compute",
            platform=platforms.machine_learning,
            host="machine-learning",
            variables=prepare.host_variables("machine-learning"),
        ),
        Environment(
            name="kubernetes",
            alias="workload-identity",
            description="a pod on AKS with workload identity: a projected token and the webhook's variables",
            provider="workload-identity",
            identity=UserAssigned(
                WORKLOAD_CLIENT_ID, name="workload-identity", trust=(CLUSTER_ISSUER, SERVICE_ACCOUNT)
            ),
            platform=platforms.kubernetes,
            files=prepare.projected_token(),
            variables=prepare.workload_identity(WORKLOAD_CLIENT_ID),
        ),
        Environment(
            name="kubernetes-identity-binding",
            description="a pod on AKS whose tokens go through the proxy of an identity binding; "
            "for `WorkloadIdentityCredential(enable_azure_proxy=True)` only",
            identity=UserAssigned(client_id(10), trust=(identity_binding_issuer(client_id(10)), SERVICE_ACCOUNT)),
            host="identity-binding",
            platform=platforms.kubernetes,
            files=prepare.projected_token(identity_binding=True),
            variables=prepare.identity_binding(client_id(10)),
        ),
        Environment(
            name="on-premises-secret",
            description="an on-premises server with a service principal's secret in its variables",
            provider="environment",
            identity=ServicePrincipal(client_id(11)),
            variables=prepare.client_secret(client_id(11)),
        ),
        Environment(
            name="on-premises-certificate",
            description="an on-premises server with a service principal's certificate in a file",
            provider="environment",
            identity=ServicePrincipal(client_id(12)),
            files=prepare.certificate_file(client_id(12)),
            variables=prepare.client_certificate(client_id(12)),
        ),
        Environment(
            name="developer-service-principal",
            alias="service-principal",
            description="a developer's machine with a service principal's secret in the variables",
            provider="environment",
            identity=ServicePrincipal(SERVICE_PRINCIPAL_CLIENT_ID, "service-principal"),
            variables=prepare.client_secret(SERVICE_PRINCIPAL_CLIENT_ID),
        ),
        Environment(
            name="developer-azure-cli",
            alias="azure-cli",
            description="a developer's machine on which a user has signed in with `az login`",
            provider="azure-cli",
            user=USER_PRINCIPAL_NAME,
            executables=("az",),
            prepare=prepare.sign_in("az", USER_PRINCIPAL_NAME),
        ),
        Environment(
            name="developer-powershell",
            alias="azure-powershell",
            description="a developer's machine on which a user has signed in with `Connect-AzAccount`",
            provider="azure-powershell",
            user=USER_PRINCIPAL_NAME,
            executables=("pwsh",),
            prepare=prepare.sign_in("pwsh", USER_PRINCIPAL_NAME),
        ),
        Environment(
            name="developer-azd",
            alias="azure-developer-cli",
            description="a developer's machine on which a user has signed in with `azd auth login`",
            provider="azure-developer-cli",
            user=USER_PRINCIPAL_NAME,
            executables=("azd",),
            prepare=prepare.sign_in("azd", USER_PRINCIPAL_NAME),
        ),
        Environment(
            name="azure-pipelines",
            description="a job of Azure Pipelines whose service connection has signed in to `az`",
            provider="azure-cli",
            identity=ServicePrincipal(client_id(13), trust=(PIPELINES_ISSUER, SERVICE_CONNECTION)),
            executables=("az",),
            platform=platforms.azure_pipelines,
            variables=prepare.pipeline_variables("azure-pipelines"),
            prepare=prepare.pipeline_login("azure-pipelines", client_id(13)),
        ),
        Environment(
            name="github-actions",
            description="a job of GitHub Actions that has signed in to `az` with OpenID Connect",
            provider="azure-cli",
            identity=ServicePrincipal(client_id(14), trust=(GITHUB_ISSUER, GITHUB_BRANCH)),
            executables=("az",),
            platform=platforms.github_actions,
            variables=prepare.pipeline_variables("github-actions"),
            prepare=prepare.pipeline_login("github-actions", client_id(14)),
        ),
        Environment(
            name="developer-browser",
            description="a developer's machine on which nobody has signed in, but a user will in the browser; "
            "AZURE_TOKEN_CREDENTIALS lets the chain ask them",
            provider="interactive-browser",
            user=USER_PRINCIPAL_NAME,
            browser=True,
            variables=lambda _emulators, _folder: {"AZURE_TOKEN_CREDENTIALS": "InteractiveBrowserCredential"},
        ),
    )
}
