"""Azure's services by host name: what tokens for them must be for, and in which form they refuse one.

Source: "Azure services that support Microsoft Entra authentication", and the scopes that the Azure SDK's clients ask
for; tests/services compares them with the clients. The page on services has a table that is made from this one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

STORAGE_SERVICES = ("blob", "queue", "table", "dfs")
STORAGE_DOMAIN = "core.windows.net"  # of the accounts that Azurite stands for
STORAGE = "https://storage.azure.com"

_CORES = ("windows.net", "usgovcloudapi.net", "chinacloudapi.cn")  # the domains of storage, below `core.`, by cloud
_STORAGE = (STORAGE, "https://{host}", "e406a681-f3d4-42a8-90b6-c2b029497af1")
_AI = ("https://cognitiveservices.azure.com", "https://ai.azure.com")


@dataclass(frozen=True)
class Service:
    """One of Azure's services in one cloud or several.

    `hosts` are names or patterns; a `*` stands for one part of a name or more. The first of the `audiences` is the one
    that the service names when it refuses a token. In an audience, `{host}` is the host's whole name and `{account}`
    the name of its account: of `shop-westeurope`, a region of the account `shop`, that is `shop`. `family` says whose
    form its refusals have. A service is `exact` if a slash at the end of an audience counts. `https` tells whether
    clients speak HTTP with it.
    """

    name: str
    hosts: tuple[str, ...]
    audiences: tuple[str, ...]
    family: str = "api"
    exact: bool = False
    https: bool = True

    @cached_property
    def _pattern(self) -> "re.Pattern[str]":
        return re.compile("|".join(re.escape(host).replace(r"\*", r"[a-z0-9_.-]+") for host in self.hosts))

    def is_at(self, host: str) -> bool:
        """Tell whether the service is at a host name."""
        return self._pattern.fullmatch(host) is not None

    def audiences_at(self, host: str) -> tuple[str, ...]:
        """Return the audiences of the service at a host name."""
        account = host.partition(".")[0]
        names = {"host": host, "account": account.rpartition("-")[0] or account}
        return tuple(dict.fromkeys(audience.format_map(names) for audience in self.audiences))


def _at(*domains: str) -> tuple[str, ...]:
    return tuple(f"*.{domain}" for domain in domains)


SERVICES: tuple[Service, ...] = (
    Service("Key Vault", _at("vault.azure.net"), ("https://vault.azure.net",), "key-vault"),
    Service("Key Vault", _at("vault.azure.cn"), ("https://vault.azure.cn",), "key-vault"),
    Service("Key Vault", _at("vault.usgovcloudapi.net"), ("https://vault.usgovcloudapi.net",), "key-vault"),
    Service("Managed HSM", _at("managedhsm.azure.net"), ("https://managedhsm.azure.net",), "key-vault"),
    Service("Managed HSM", _at("managedhsm.azure.cn"), ("https://managedhsm.azure.cn",), "key-vault"),
    Service("Managed HSM", _at("managedhsm.usgovcloudapi.net"), ("https://managedhsm.usgovcloudapi.net",), "key-vault"),
    Service(
        "Storage: blobs, queues, files, Data Lake",
        (
            *_at(*(f"{kind}.core.{core}" for core in _CORES for kind in ("blob", "queue", "dfs", "file"))),
            *_at(*(f"{kind}.storage.azure.net" for kind in ("blob", "queue", "dfs", "file"))),
            *("onelake.blob.fabric.microsoft.com", "onelake.dfs.fabric.microsoft.com"),
        ),
        _STORAGE,
        "storage",
    ),
    Service("Storage: tables", _at("table.core.windows.net", "table.storage.azure.net"), (*_STORAGE,), "tables"),
    Service("Storage: tables", _at("table.core.usgovcloudapi.net"), (*_STORAGE, "https://storage.azure.us"), "tables"),
    Service("Storage: tables", _at("table.core.chinacloudapi.cn"), (*_STORAGE, "https://storage.azure.cn"), "tables"),
    Service("Cosmos DB: tables", _at("table.cosmos.azure.com"), ("https://cosmos.azure.com",), "tables"),
    Service("Cosmos DB: tables", _at("table.cosmosdb.azure.us"), ("https://cosmos.azure.us",), "tables"),
    Service("Cosmos DB: tables", _at("table.cosmosdb.azure.cn"), ("https://cosmos.azure.cn",), "tables"),
    Service(
        "Cosmos DB",
        _at("documents.azure.com"),
        ("https://{account}.documents.azure.com", "https://{host}", "https://cosmos.azure.com"),
        "cosmos",
    ),
    Service(
        "Cosmos DB",
        _at("documents.azure.us"),
        ("https://{account}.documents.azure.us", "https://{host}", "https://cosmos.azure.us"),
        "cosmos",
    ),
    Service(
        "Cosmos DB",
        _at("documents.azure.cn"),
        ("https://{account}.documents.azure.cn", "https://{host}", "https://cosmos.azure.cn"),
        "cosmos",
    ),
    Service("Cosmos DB: inference", _at("dbinference.azure.com"), ("https://dbinference.azure.com",)),
    Service(
        "App Configuration",
        _at("azconfig.io", "appconfig.azure.com"),
        ("https://appconfig.azure.com", "https://azconfig.io", "https://{host}"),
        "app-configuration",
    ),
    Service(
        "App Configuration",
        _at("azconfig.azure.us", "appconfig.azure.us"),
        ("https://appconfig.azure.us", "https://azconfig.azure.us", "https://{host}"),
        "app-configuration",
    ),
    Service(
        "App Configuration",
        _at("azconfig.azure.cn", "appconfig.azure.cn"),
        ("https://appconfig.azure.cn", "https://azconfig.azure.cn", "https://{host}"),
        "app-configuration",
    ),
    Service(
        "Container Registry",
        _at("azurecr.io"),
        (
            "https://containerregistry.azure.net",
            *("https://management.azure.com", "https://management.core.windows.net"),
        ),
        "container-registry",
    ),
    Service(
        "Container Registry",
        _at("azurecr.us"),
        (
            "https://containerregistry.azure.net",
            *("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
        ),
        "container-registry",
    ),
    Service(
        "Container Registry",
        _at("azurecr.cn"),
        (
            "https://containerregistry.azure.net",
            *("https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"),
        ),
        "container-registry",
    ),
    Service(
        "Kusto (Data Explorer)",
        _at("kusto.windows.net", "kusto.fabric.microsoft.com"),
        ("https://kusto.kusto.windows.net", "https://{host}"),
        "kusto",
    ),
    Service(
        "Service Bus, Event Hubs",
        _at("servicebus.windows.net", "servicebus.usgovcloudapi.net", "servicebus.chinacloudapi.cn"),
        ("https://servicebus.azure.net", "https://eventhubs.azure.net", "https://{host}"),
    ),
    Service("Event Grid", _at("eventgrid.azure.net"), ("https://eventgrid.azure.net",)),
    Service("AI Search", _at("search.windows.net"), ("https://search.azure.com",), "search"),
    Service("AI Search", _at("search.azure.us"), ("https://search.azure.us", "https://search.azure.com"), "search"),
    Service("AI Search", _at("search.azure.cn"), ("https://search.azure.cn", "https://search.azure.com"), "search"),
    Service("Azure OpenAI", _at("openai.azure.com"), _AI),
    Service("Azure OpenAI", _at("openai.azure.us"), ("https://cognitiveservices.azure.us", *_AI)),
    Service(
        "AI services", _at("cognitiveservices.azure.com", "api.cognitive.microsoft.com", "services.ai.azure.com"), _AI
    ),
    Service("AI translation", ("api.cognitive.microsofttranslator.com",), _AI),
    Service("AI services", _at("cognitiveservices.azure.us"), ("https://cognitiveservices.azure.us", *_AI)),
    Service("AI services", _at("cognitiveservices.azure.cn"), ("https://cognitiveservices.azure.cn", *_AI)),
    Service(
        "Machine Learning, AI inference",
        _at("models.ai.azure.com", "inference.ml.azure.com", "api.azureml.ms"),
        ("https://ml.azure.com", "https://cognitiveservices.azure.com"),
    ),
    Service(
        "Log Analytics",
        ("api.loganalytics.io", "api.loganalytics.azure.com"),
        ("https://api.loganalytics.io", "https://{host}"),
    ),
    Service("Log Analytics", ("api.loganalytics.us",), ("https://api.loganalytics.us",)),
    Service("Log Analytics", ("api.loganalytics.azure.cn",), ("https://api.loganalytics.azure.cn",)),
    Service("Monitor: metrics", _at("metrics.monitor.azure.com"), ("https://metrics.monitor.azure.com",)),
    Service("Monitor: metrics", _at("metrics.monitor.azure.us"), ("https://metrics.monitor.azure.us",)),
    Service("Monitor: metrics", _at("metrics.monitor.azure.cn"), ("https://metrics.monitor.azure.cn",)),
    Service("Monitor: ingestion of logs", _at("ingest.monitor.azure.com"), ("https://monitor.azure.com",)),
    Service("Monitor: ingestion of logs", _at("ingest.monitor.azure.us"), ("https://monitor.azure.us",)),
    Service("Monitor: ingestion of logs", _at("ingest.monitor.azure.cn"), ("https://monitor.azure.cn",)),
    Service(
        "Application Insights",
        (
            *_at("in.applicationinsights.azure.com", "livediagnostics.monitor.azure.com"),
            "dc.services.visualstudio.com",
        ),
        ("https://monitor.azure.com",),
    ),
    Service("Application Insights", _at("in.applicationinsights.azure.us"), ("https://monitor.azure.us",)),
    Service("Application Insights", _at("in.applicationinsights.azure.cn"), ("https://monitor.azure.cn",)),
    Service("SQL Database", _at("database.windows.net"), ("https://database.windows.net",), https=False),
    Service("SQL Database", _at("database.usgovcloudapi.net"), ("https://database.usgovcloudapi.net",), https=False),
    Service("SQL Database", _at("database.chinacloudapi.cn"), ("https://database.chinacloudapi.cn",), https=False),
    Service(
        "Database for PostgreSQL, for MySQL",
        _at("postgres.database.azure.com", "mysql.database.azure.com"),
        ("https://ossrdbms-aad.database.windows.net",),
        https=False,
    ),
    Service(
        "Cache for Redis", _at("redis.cache.windows.net", "redis.azure.net"), ("https://redis.azure.com",), https=False
    ),
    Service("Web PubSub", _at("webpubsub.azure.com"), ("https://webpubsub.azure.com",)),
    Service("SignalR", _at("service.signalr.net"), ("https://signalr.azure.com",)),
    Service("IoT Hub", _at("azure-devices.net"), ("https://iothubs.azure.net",)),
    Service("Device Update", _at("api.adu.microsoft.com"), ("https://api.adu.microsoft.com",)),
    Service("Digital Twins", _at("digitaltwins.azure.net"), ("https://digitaltwins.azure.net",)),
    Service("Maps", ("atlas.microsoft.com", "*.atlas.microsoft.com"), ("https://atlas.microsoft.com",)),
    Service(
        "Communication Services",
        _at("communication.azure.com"),
        ("https://communication.azure.com", "https://communication.azure.com/clients"),
    ),
    Service("Batch", _at("batch.azure.com"), ("https://batch.core.windows.net/",), "batch", exact=True),
    Service("Batch", _at("batch.usgovcloudapi.net"), ("https://batch.core.usgovcloudapi.net/",), "batch", exact=True),
    Service("Batch", _at("batch.chinacloudapi.cn"), ("https://batch.chinacloudapi.cn/",), "batch", exact=True),
    Service("Synapse", _at("dev.azuresynapse.net"), ("https://dev.azuresynapse.net",)),
    Service(
        "Databricks",
        _at("azuredatabricks.net", "databricks.azure.us", "databricks.azure.cn"),
        ("2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",),
    ),
    Service("Azure DevOps", ("dev.azure.com", "*.visualstudio.com"), ("499b84ac-1321-427f-aa17-267ca6975798",)),
    Service("Power BI", ("api.powerbi.com",), ("https://analysis.windows.net/powerbi/api",)),
    Service("Fabric", ("api.fabric.microsoft.com",), ("https://api.fabric.microsoft.com",)),
    Service("Purview", _at("purview.azure.com"), ("https://purview.azure.net",)),
    Service(
        "Health Data Services: DICOM", _at("dicom.azurehealthcareapis.com"), ("https://dicom.healthcareapis.azure.com",)
    ),
    Service("Health Data Services: FHIR", _at("fhir.azurehealthcareapis.com"), ("https://{host}",)),
    Service("Health Data Services: de-identification", _at("deid.azure.com"), ("https://deid.azure.com",)),
    Service("Load Testing", _at("loadtesting.azure.com"), ("https://cnt-prod.loadtesting.azure.com",)),
    Service("Dev Center", _at("devcenter.azure.com"), ("https://devcenter.azure.com",)),
    Service("Attestation", _at("attest.azure.net"), ("https://attest.azure.net",)),
    Service("Confidential Ledger", _at("confidential-ledger.azure.com"), ("https://confidential-ledger.azure.com",)),
    Service("Dynamic sessions", _at("dynamicsessions.io"), ("https://dynamicsessions.io", "https://acasessions.io")),
    Service("Durable Task Scheduler", _at("durabletask.io"), ("https://durabletask.io",)),
    Service("Durable Task Scheduler", _at("durabletask.azure.us"), ("https://durabletask.azure.us",)),
    Service("Experimentation", _at("exp.azure.net"), ("https://exp.azure.net",)),
    Service("Planetary Computer", _at("geocatalog.spatio.azure.com"), ("https://geocatalog.spatio.azure.com",)),
    Service("Quantum", _at("quantum.azure.com"), ("https://quantum.microsoft.com",)),
    Service("Data Lake Storage, first generation", _at("azuredatalakestore.net"), ("https://datalake.azure.net",)),
    Service("Data Manager for Agriculture", _at("farmbeats.azure.net"), ("https://farmbeats.azure.net",)),
    Service(
        "External Attack Surface Management",
        _at("easm.defender.microsoft.com"),
        ("https://easm.defender.microsoft.com",),
    ),
    # Azure Resource Manager takes tokens for its older name as well (`resourceManager` and `activeDirectoryResourceId`
    # of Azure CLI's clouds).
    Service(
        "Resource Manager",
        ("management.azure.com", "*.management.azure.com"),
        ("https://management.azure.com", "https://management.core.windows.net"),
        "resource-manager",
    ),
    Service(
        "Resource Manager",
        ("management.chinacloudapi.cn", "*.management.chinacloudapi.cn"),
        ("https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"),
        "resource-manager",
    ),
    Service(
        "Resource Manager",
        ("management.usgovcloudapi.net", "*.management.usgovcloudapi.net"),
        ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
        "resource-manager",
    ),
    Service(
        "Resource Manager",
        ("management.microsoftazure.de",),
        ("https://management.microsoftazure.de", "https://management.core.cloudapi.de"),
        "resource-manager",
    ),
    Service(
        "Microsoft Graph",
        (
            *("graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "graph.microsoft.de"),
            *("microsoftgraph.chinacloudapi.cn", *(f"graph.svc.sovcloud.{suffix}" for suffix in ("fr", "de", "sg"))),
        ),
        ("https://{host}", "00000003-0000-0000-c000-000000000000"),
        "graph",
    ),
)


def service_at(host: str) -> Service | None:
    """Return the service at a host name, None if none of Azure's is there."""
    name = host.lower()
    return next((service for service in SERVICES if service.is_at(name)), None)


def audiences_of(host: str) -> tuple[str, ...]:
    """Return what tokens for a host name must be for: the audiences of its service, else its own URL."""
    name = host.lower()
    service = service_at(name)
    return service.audiences_at(name) if service else (f"https://{name}",)


def _plain(audience: str) -> str:
    return audience.rstrip("/").lower()


_COMMON: Mapping[str, Service] = {
    _plain(audience): service for service in SERVICES for audience in service.audiences if "{" not in audience
}


def is_an_audience(resource: str) -> bool:
    """Tell whether one of the services takes tokens for this, under its common name or as the URL of a host."""
    plain = _plain(resource)
    scheme, _, host = plain.partition("://")
    return plain in _COMMON or (scheme == "https" and service_at(host) is not None)


def with_other_names(audience: str) -> tuple[str, ...]:
    """Return an audience with the others of the same service if it is one of Azure Resource Manager's, which has two
    names in each cloud.
    """
    service = _COMMON.get(_plain(audience))
    return service.audiences if service and service.family == "resource-manager" else (audience,)
