"""Where Azure Monitor takes logs and telemetry.

Source: "Logs ingestion API in Azure Monitor", version 2023-01-01; azure-monitor-opentelemetry-exporter 1.0.0b58.
"""

INGESTION_HOSTS = ("*.ingest.monitor.azure.*",)
APPLICATION_INSIGHTS_HOSTS = ("*.in.applicationinsights.azure.*", "dc.services.visualstudio.com")
STREAM = "/dataCollectionRules/<rule>/streams/<stream>"
