"""The Azure SDK's clients, each with a host and one ordinary call, as far as they are installed.

Each call ends at a stand-in that has no answer for it: what counts is for what the client has asked a token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Call = Callable[[Any, str, Any], object]


@dataclass(frozen=True)
class SdkClient:
    """A client of one distribution: `call` makes one with the host's URL and a credential, and uses it."""

    distribution: str
    module: str
    host: str
    call: Call

    @property
    def is_installed(self) -> bool:
        """Tell whether its distribution is."""
        try:
            return bool(version(self.distribution))
        except PackageNotFoundError:
            return False

    def use(self, credential: Any) -> None:
        """Make the client and let it send its request; retries are off."""
        self.call(import_module(self.module), f"https://{self.host}", credential)


NO_RETRY = {"retry_total": 0}
_EVENT = {"specversion": "1.0", "type": "Orders.Made", "source": "/orders", "id": "1", "data": {"order": 1}}


def client(name: str, use: Callable[[Any], object], **options: Any) -> Call:
    """Return a call of a client whose class takes a URL and a credential."""

    def call(module: Any, url: str, credential: Any) -> object:
        return use(getattr(module, name)(url, credential, **NO_RETRY, **options))

    return call


def by_keyword(name: str, use: Callable[[Any], object], parameter: str = "endpoint", **options: Any) -> Call:
    """Return a call of a client whose class takes both by keyword."""

    def call(module: Any, url: str, credential: Any) -> object:
        return use(getattr(module, name)(**{parameter: url}, credential=credential, **NO_RETRY, **options))

    return call


def at_host(name: str, use: Callable[[Any], object], parameter: str = "endpoint", **options: Any) -> Call:
    """Return a call of a client whose class takes a host name without a scheme."""

    def call(module: Any, url: str, credential: Any) -> object:
        host = url.removeprefix("https://")
        return use(getattr(module, name)(**{parameter: host}, credential=credential, **NO_RETRY, **options))

    return call


def _cosmos(module: Any, url: str, credential: Any) -> object:
    return module.CosmosClient(url, credential, retry_total=0)


def _kusto(module: Any, url: str, credential: Any) -> object:
    builder = module.KustoConnectionStringBuilder.with_azure_token_credential(url, credential)
    with module.KustoClient(builder) as kusto:
        return kusto.execute("shop", "Orders")


def _exporter(module: Any, url: str, credential: Any) -> object:
    import logging

    logging.getLogger("azure.monitor.opentelemetry").setLevel(logging.CRITICAL)
    key = "11111111-1111-4111-8111-111111111111"
    exporter = module.AzureMonitorTraceExporter(
        connection_string=f"InstrumentationKey={key};IngestionEndpoint={url}/", credential=credential
    )
    return exporter.client.track([])


SECRETS, KEYS, CERTIFICATES = "azure.keyvault.secrets", "azure.keyvault.keys", "azure.keyvault.certificates"
CLIENTS = (
    SdkClient(
        "azure-keyvault-secrets", SECRETS, "shop.vault.azure.net", client("SecretClient", lambda it: it.get_secret("a"))
    ),
    SdkClient(
        "azure-keyvault-secrets",
        SECRETS,
        "shop.vault.azure.cn",
        client("SecretClient", lambda it: it.get_secret("a")),
    ),
    SdkClient(
        "azure-keyvault-secrets",
        SECRETS,
        "shop.vault.usgovcloudapi.net",
        client("SecretClient", lambda it: it.get_secret("a")),
    ),
    SdkClient("azure-keyvault-keys", KEYS, "keys.vault.azure.net", client("KeyClient", lambda it: it.get_key("a"))),
    SdkClient(
        "azure-keyvault-keys", KEYS, "shop.managedhsm.azure.net", client("KeyClient", lambda it: it.get_key("a"))
    ),
    SdkClient(
        "azure-keyvault-certificates",
        CERTIFICATES,
        "certificates.vault.azure.net",
        client("CertificateClient", lambda it: it.get_certificate("a")),
    ),
    *(
        SdkClient(
            "azure-storage-blob",
            "azure.storage.blob",
            host,
            client("BlobServiceClient", lambda it: it.get_service_properties()),
        )
        for host in (
            *("shop.blob.core.windows.net", "shop.blob.core.usgovcloudapi.net", "shop.blob.core.chinacloudapi.cn"),
            *("shop.z12.blob.storage.azure.net", "onelake.blob.fabric.microsoft.com"),
        )
    ),
    SdkClient(
        "azure-storage-queue",
        "azure.storage.queue",
        "shop.queue.core.windows.net",
        client("QueueServiceClient", lambda it: it.get_service_properties()),
    ),
    SdkClient(
        "azure-storage-file-datalake",
        "azure.storage.filedatalake",
        "shop.dfs.core.windows.net",
        by_keyword("FileSystemClient", lambda it: list(it.get_paths()), "account_url", file_system_name="files"),
    ),
    SdkClient(
        "azure-storage-file-share",
        "azure.storage.fileshare",
        "shop.file.core.windows.net",
        by_keyword(
            "ShareClient",
            lambda it: it.get_directory_client("a").get_directory_properties(),
            "account_url",
            share_name="files",
            token_intent="backup",
        ),
    ),
    *(
        SdkClient(
            "azure-data-tables",
            "azure.data.tables",
            host,
            by_keyword("TableServiceClient", lambda it: list(it.list_tables())),
        )
        for host in ("shop.table.core.windows.net", "shop.table.cosmos.azure.com")
    ),
    *(
        SdkClient(
            "azure-appconfiguration",
            "azure.appconfiguration",
            host,
            client("AzureAppConfigurationClient", lambda it: it.get_configuration_setting("a")),
        )
        for host in ("shop.azconfig.io", "shop.appconfig.azure.com", "shop.azconfig.azure.us", "shop.azconfig.azure.cn")
    ),
    SdkClient("azure-cosmos", "azure.cosmos", "shop.documents.azure.com", _cosmos),
    SdkClient(
        "azure-servicebus",
        "azure.servicebus.management",
        "shop.servicebus.windows.net",
        at_host(
            "ServiceBusAdministrationClient", lambda it: it.get_namespace_properties(), "fully_qualified_namespace"
        ),
    ),
    SdkClient(
        "azure-schemaregistry",
        "azure.schemaregistry",
        "schemas.servicebus.windows.net",
        at_host("SchemaRegistryClient", lambda it: it.get_schema("a"), "fully_qualified_namespace"),
    ),
    SdkClient(
        "azure-eventgrid",
        "azure.eventgrid",
        "shop.westeurope-1.eventgrid.azure.net",
        client("EventGridPublisherClient", lambda it: it.send([_EVENT])),
    ),
    SdkClient(
        "azure-search-documents",
        "azure.search.documents",
        "shop.search.windows.net",
        by_keyword("SearchClient", lambda it: it.get_document_count(), index_name="orders"),
    ),
    SdkClient(
        "azure-monitor-query",
        "azure.monitor.query",
        "api.loganalytics.io",
        lambda module, url, credential: module.LogsQueryClient(credential, **NO_RETRY).query_workspace(
            "11111111-1111-4111-8111-111111111111", "Orders", timespan=None
        ),
    ),
    SdkClient(
        "azure-monitor-querymetrics",
        "azure.monitor.querymetrics",
        "westeurope.metrics.monitor.azure.com",
        client(
            "MetricsClient",
            lambda it: it.query_resources(
                resource_ids=["/subscriptions/a/b"], metric_namespace="a", metric_names=["b"]
            ),
        ),
    ),
    SdkClient(
        "azure-monitor-ingestion",
        "azure.monitor.ingestion",
        "shop-1.westeurope-1.ingest.monitor.azure.com",
        client("LogsIngestionClient", lambda it: it.upload("dcr-1", "Custom-Orders", [{"a": 1}])),
    ),
    SdkClient(
        "azure-monitor-opentelemetry-exporter",
        "azure.monitor.opentelemetry.exporter",
        "westeurope-5.in.applicationinsights.azure.com",
        _exporter,
    ),
    SdkClient(
        "azure-containerregistry",
        "azure.containerregistry",
        "shop.azurecr.io",
        client("ContainerRegistryClient", lambda it: list(it.list_repository_names())),
    ),
    SdkClient("azure-kusto-data", "azure.kusto.data", "shop.westeurope.kusto.windows.net", _kusto),
    SdkClient(
        "azure-ai-inference",
        "azure.ai.inference",
        "shop.westeurope.models.ai.azure.com",
        client("ChatCompletionsClient", lambda it: it.get_model_info()),
    ),
    SdkClient(
        "azure-ai-projects",
        "azure.ai.projects",
        "shop.services.ai.azure.com",
        client("AIProjectClient", lambda it: list(it.deployments.list())),
    ),
    SdkClient(
        "azure-ai-documentintelligence",
        "azure.ai.documentintelligence",
        "shop.cognitiveservices.azure.com",
        client("DocumentIntelligenceAdministrationClient", lambda it: it.get_resource_details()),
    ),
    SdkClient(
        "azure-ai-textanalytics",
        "azure.ai.textanalytics",
        "westeurope.api.cognitive.microsoft.com",
        client("TextAnalyticsClient", lambda it: it.detect_language(["hello"])),
    ),
    SdkClient(
        "azure-ai-contentsafety",
        "azure.ai.contentsafety",
        "safety.cognitiveservices.azure.com",
        client("BlocklistClient", lambda it: it.get_text_blocklist("a")),
    ),
    SdkClient(
        "azure-messaging-webpubsubservice",
        "azure.messaging.webpubsubservice",
        "shop.webpubsub.azure.com",
        lambda module, url, credential: module.WebPubSubServiceClient(
            url, "orders", credential, **NO_RETRY
        ).user_exists("ada"),
    ),
    SdkClient(
        "azure-communication-identity",
        "azure.communication.identity",
        "shop.unitedstates.communication.azure.com",
        client("CommunicationIdentityClient", lambda it: it.create_user()),
    ),
    SdkClient(
        "azure-digitaltwins-core",
        "azure.digitaltwins.core",
        "shop.api.weu.digitaltwins.azure.net",
        client("DigitalTwinsClient", lambda it: it.get_digital_twin("a")),
    ),
    SdkClient(
        "azure-batch",
        "azure.batch",
        "shop.westeurope.batch.azure.com",
        by_keyword("BatchClient", lambda it: it.get_pool("a")),
    ),
    SdkClient(
        "azure-synapse-artifacts",
        "azure.synapse.artifacts",
        "shop.dev.azuresynapse.net",
        lambda module, url, credential: module.ArtifactsClient(credential, url, **NO_RETRY).notebook.get_notebook("a"),
    ),
    SdkClient(
        "azure-iot-deviceupdate",
        "azure.iot.deviceupdate",
        "shop.api.adu.microsoft.com",
        lambda module, url, credential: module.DeviceUpdateClient(
            url.removeprefix("https://"), "shop", credential, **NO_RETRY
        ).device_management.get_device("a"),
    ),
    SdkClient(
        "azure-health-deidentification",
        "azure.health.deidentification",
        "shop.api.weu001.deid.azure.com",
        client("DeidentificationClient", lambda it: it.get_job("a")),
    ),
    SdkClient(
        "azure-developer-loadtesting",
        "azure.developer.loadtesting",
        "shop.westeurope.cnt-prod.loadtesting.azure.com",
        at_host("LoadTestAdministrationClient", lambda it: it.get_test("a")),
    ),
    SdkClient(
        "azure-developer-devcenter",
        "azure.developer.devcenter",
        "shop.westeurope.devcenter.azure.com",
        client("DevCenterClient", lambda it: it.get_project("a")),
    ),
    SdkClient(
        "azure-security-attestation",
        "azure.security.attestation",
        "shop.weu.attest.azure.net",
        client("AttestationAdministrationClient", lambda it: it.get_policy("SgxEnclave")),
    ),
    SdkClient(
        "azure-mgmt-resource",
        "azure.mgmt.resource.resources",
        "management.azure.com",
        lambda module, url, credential: module.ResourceManagementClient(
            credential, "11111111-1111-4111-8111-111111111111", base_url=url, **NO_RETRY
        ).resource_groups.get("a"),
    ),
    SdkClient(
        "azure-mgmt-storage",
        "azure.mgmt.storage",
        "management.azure.com",
        lambda module, url, credential: list(
            module.StorageManagementClient(
                credential, "11111111-1111-4111-8111-111111111111", base_url=url, **NO_RETRY
            ).storage_accounts.list()
        ),
    ),
)
