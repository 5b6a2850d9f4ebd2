"""The variables by which an app tells which platform it runs on, beside those that lead it to its identity.

Only names that the platform documents, with values that fit the environment's resource id. No host or address is that
of a customer's machine. Left out is what depends on the machine or on the app, such as folders, files and the operating
system, and `CI`, which changes how pytest and other test tools work.
"""

from collections.abc import Callable, Mapping

from azcred_emulators.directory.identifiers import (
    DEVOPS_ORGANIZATION,
    DEVOPS_PROJECT,
    GITHUB_REF,
    GITHUB_REPOSITORY,
    REGION,
    REGION_DISPLAY_NAME,
    SUBSCRIPTION_ID,
    USER_PRINCIPAL_NAME,
    resource_group_name,
    resource_name,
)

PlatformVariables = Mapping[str, str | None]  # a variable that is None is removed
Platform = Callable[[str], PlatformVariables]  # given the ARM id of the environment's resource

# An address for documentation (RFC 5737), since 10.0.0.1, which AKS gives, may be a machine of the developer's network.
_API_SERVER = "192.0.2.1"
_COLLECTION = f"https://dev.azure.com/{DEVOPS_ORGANIZATION}/"
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_USER = USER_PRINCIPAL_NAME.partition("@")[0]


def app_service(resource_id: str) -> PlatformVariables:
    """Return those of a web app. Source: App Service's "Environment variables and app settings reference".

    The host name has the form of a unique default one, which no other app can have. How the owner's name and the
    region are written is from OpenTelemetry's detectors and Elastic's APM specification.
    """
    name, group = resource_name(resource_id), resource_group_name(resource_id)
    return {
        "REGION_NAME": REGION_DISPLAY_NAME,
        "SITE_BITNESS": "AMD64",
        "WEBSITE_COMPUTE_MODE": "Dedicated",
        "WEBSITE_HOSTNAME": f"{name}-a0b1c2d3e4f5g6h7.{REGION}-01.azurewebsites.net",
        "WEBSITE_INSTANCE_ID": "0123456789abcdef" * 4,
        "WEBSITE_OWNER_NAME": f"{SUBSCRIPTION_ID}+{group}-{REGION_DISPLAY_NAME.replace(' ', '')}webspace-Linux",
        "WEBSITE_RESOURCE_GROUP": group,
        "WEBSITE_SITE_NAME": name,
        "WEBSITE_SKU": "Standard",
        "WEBSITE_SLOT_NAME": "Production",
    }


def functions(resource_id: str) -> PlatformVariables:
    """Return those of a function app for Python. Source: "App settings reference for Azure Functions"."""
    return {
        **app_service(resource_id),
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }


def container_apps(resource_id: str) -> PlatformVariables:
    """Return those of an app. Source: Container Apps' "Built-in environment variables"."""
    name, suffix = resource_name(resource_id), f"emulated-01234567.{REGION}.azurecontainerapps.io"
    revision = f"{name}--0000001"
    return {
        "CONTAINER_APP_ENV_DNS_SUFFIX": suffix,
        "CONTAINER_APP_HOSTNAME": f"{revision}.{suffix}",
        "CONTAINER_APP_NAME": name,
        "CONTAINER_APP_PORT": "8080",  # OpenTelemetry's detector takes none without it for an app
        "CONTAINER_APP_REPLICA_NAME": f"{revision}-0123456789-abcde",
        "CONTAINER_APP_REVISION": revision,
    }


def machine_learning(resource_id: str) -> PlatformVariables:
    """Return those of a compute instance. Source: Azure Machine Learning's "Customize a compute instance"."""
    return {
        "CI_LOCAL_UBUNTU_USER": "azureuser",
        "CI_NAME": resource_name(resource_id),
        "CI_RESOURCE_GROUP": resource_group_name(resource_id),
        "CI_WORKSPACE": resource_name(resource_id.rpartition("/computes/")[0]),
    }


def service_fabric(_resource_id: str) -> PlatformVariables:
    """Return those of a service. Source: "Service Fabric environment variables"."""
    return {
        "Fabric_ApplicationName": "fabric:/EmulatedApplication",
        "Fabric_CodePackageName": "Code",
        "Fabric_IsContainerHost": "false",
        "Fabric_NodeIPOrFQDN": "localhost",  # services listen on it
        "Fabric_NodeId": "0123456789abcdef0123456789abcdef",
        "Fabric_NodeName": "_Node_0",
        "Fabric_ServiceName": "fabric:/EmulatedApplication/EmulatedService",
        "Fabric_ServicePackageName": "EmulatedServicePkg",
    }


def cloud_shell(_resource_id: str) -> PlatformVariables:
    """Return those of a session.

    Sources: Microsoft's "Azure Cloud Shell limitations" for the region, the image of Azure/CloudShell for the channel.
    """
    return {
        "ACC_LOCATION": REGION,
        "POWERSHELL_DISTRIBUTION_CHANNEL": "CloudShell",
    }


def kubernetes(_resource_id: str) -> PlatformVariables:
    """Return those of a pod, about the service `kubernetes`. Source: Kubernetes' "Service", "Environment variables"."""
    return {
        "KUBERNETES_PORT": f"tcp://{_API_SERVER}:443",
        "KUBERNETES_PORT_443_TCP": f"tcp://{_API_SERVER}:443",
        "KUBERNETES_PORT_443_TCP_ADDR": _API_SERVER,
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_SERVICE_HOST": _API_SERVER,
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    }


def azure_pipelines(_resource_id: str) -> PlatformVariables:
    """Return those of a job. Source: Azure Pipelines' "Use predefined variables"."""
    return {
        "AGENT_NAME": "Azure Pipelines 1",
        "BUILD_BUILDID": "1",
        "BUILD_BUILDNUMBER": "20260101.1",
        "BUILD_DEFINITIONNAME": DEVOPS_PROJECT,
        "BUILD_REASON": "IndividualCI",
        "BUILD_REPOSITORY_NAME": DEVOPS_PROJECT,
        "BUILD_REPOSITORY_PROVIDER": "TfsGit",
        "BUILD_SOURCEBRANCH": "refs/heads/main",
        "BUILD_SOURCEBRANCHNAME": "main",
        "BUILD_SOURCEVERSION": _COMMIT,
        "GITHUB_ACTIONS": None,
        "SYSTEM_COLLECTIONURI": _COLLECTION,
        "SYSTEM_DEFINITIONID": "1",
        "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": _COLLECTION,
        "SYSTEM_TEAMPROJECT": DEVOPS_PROJECT,
        "TF_BUILD": "True",
    }


def github_actions(_resource_id: str) -> PlatformVariables:
    """Return those of a job. Source: "Default environment variables" in GitHub's "Variables reference"."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": _USER,
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql",
        "GITHUB_JOB": "deploy",
        "GITHUB_REF": GITHUB_REF,
        "GITHUB_REF_NAME": GITHUB_REF.removeprefix("refs/heads/"),
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_REPOSITORY": GITHUB_REPOSITORY,
        "GITHUB_REPOSITORY_OWNER": GITHUB_REPOSITORY.partition("/")[0],
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": "1",
        "GITHUB_RUN_NUMBER": "1",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_SHA": _COMMIT,
        "GITHUB_WORKFLOW": "deploy",
        "RUNNER_ENVIRONMENT": "github-hosted",
        "RUNNER_NAME": "GitHub Actions 1",
        "TF_BUILD": None,
    }
