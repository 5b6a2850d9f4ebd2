"""Words by which users call environments, beside their names, and the environments that they may mean.

Spelling does not find these: "vm" is not like "virtual-machine". They are no names; an error hints at what is.
"""

from collections.abc import Mapping

_DEVELOPER = ("developer-azure-cli", "developer-powershell", "developer-azd", "developer-browser")
_MACHINES = ("virtual-machine", "scale-set")
_PODS = ("kubernetes", "kubernetes-node", "kubernetes-identity-binding")
_PIPELINES = ("github-actions", "azure-pipelines")
_SERVERS = ("azure-arc", "on-premises-secret", "on-premises-certificate")
_SERVICE_PRINCIPALS = ("developer-service-principal", "on-premises-secret", "on-premises-certificate")
_MANAGED_IDENTITIES = ("virtual-machine", "app-service", "functions", "container-apps")

GUESSES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("vm", "vms", "imds", "azure-vm", "virtualmachine", "ec2"), _MACHINES),
    **dict.fromkeys(("vmss", "virtual-machine-scale-set"), ("scale-set",)),
    **dict.fromkeys(("aks", "k8s", "pod", "kube", "azure-kubernetes-service"), _PODS),
    **dict.fromkeys(("kubelet", "node"), ("kubernetes-node",)),
    **dict.fromkeys(("wi", "federated", "federated-token"), ("kubernetes",)),
    **dict.fromkeys(("mi", "msi", "managed", "system-assigned", "user-assigned"), _MANAGED_IDENTITIES),
    **dict.fromkeys(("webapp", "web-app", "appservice", "site"), ("app-service",)),
    **dict.fromkeys(("function", "functionapp", "function-app", "azure-functions", "lambda"), ("functions",)),
    **dict.fromkeys(("aca", "containerapp", "container-app"), ("container-apps",)),
    **dict.fromkeys(("aci", "container-instance", "container-group"), ("container-instances",)),
    **dict.fromkeys(("container", "docker"), ("container-apps", "container-instances", "kubernetes")),
    **dict.fromkeys(("arc", "hybrid", "connected-machine"), ("azure-arc",)),
    **dict.fromkeys(("server", "on-prem", "onprem", "on-premises", "datacenter"), _SERVERS),
    **dict.fromkeys(("sf", "fabric"), ("service-fabric",)),
    **dict.fromkeys(("shell", "cloudshell"), ("cloud-shell",)),
    **dict.fromkeys(("ml", "aml", "azureml", "compute-instance"), ("machine-learning",)),
    **dict.fromkeys(("az", "cli", "azurecli", "az-login"), ("developer-azure-cli",)),
    **dict.fromkeys(("pwsh", "powershell", "azure-power-shell"), ("developer-powershell",)),
    **dict.fromkeys(("azd", "developer-cli"), ("developer-azd",)),
    **dict.fromkeys(("browser", "interactive", "interactive-browser"), ("developer-browser",)),
    **dict.fromkeys(("dev", "developer", "laptop", "desktop", "local", "localhost", "workstation"), _DEVELOPER),
    **dict.fromkeys(("sp", "spn", "environment", "env", "client-secret", "secret"), _SERVICE_PRINCIPALS),
    **dict.fromkeys(("certificate", "client-certificate", "cert"), ("on-premises-certificate",)),
    **dict.fromkeys(("ci", "pipeline", "pipelines", "oidc"), _PIPELINES),
    **dict.fromkeys(("github", "gha", "actions"), ("github-actions",)),
    **dict.fromkeys(("ado", "devops", "azure-devops", "tfs"), ("azure-pipelines",)),
    **dict.fromkeys(("none", "empty", "no-identity", "offline"), ("nothing",)),
}
