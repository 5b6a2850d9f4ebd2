"""Azure Monitor: the ingestion of logs, and what OpenTelemetry's exporter sends to Application Insights."""
