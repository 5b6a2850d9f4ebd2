"""The real clients of Event Grid, of the ingestion of logs and of Application Insights send what they have."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import azure.identity
import azure.identity.aio
import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent

from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")
TOPIC = "https://shop.westeurope-1.eventgrid.azure.net"
INGESTION = "https://shop-1.westeurope-1.ingest.monitor.azure.com"
INSIGHTS = "https://westeurope-5.in.applicationinsights.azure.com"


def event(number: int) -> CloudEvent[Any]:
    """Return an event."""
    return CloudEvent(source="/orders", type="Orders.Made", data={"order": number})


def test_a_topic(azcred: Azcred, place: Place) -> None:
    """It keeps the events that were published; another identity publishes none."""
    module = sdk("azure.eventgrid", "azure-eventgrid")
    topic = azcred.resource(TOPIC)
    with (
        azure.identity.DefaultAzureCredential() as credential,
        module.EventGridPublisherClient(f"{TOPIC}/api/events", credential, retry_total=0) as client,
    ):
        client.send([event(1), event(2)])
        assert [each["data"]["order"] for each in topic.content["events"]] == [1, 2]
        topic.allow("dana@contoso.com")
        with pytest.raises(HttpResponseError, match="has no role"):
            client.send(event(3))
    assert len(topic.content["events"]) == 2
    assert place.requests()[-1].resource == "https://eventgrid.azure.net"


def test_a_namespace(azcred: Azcred, place: Place) -> None:
    """Each subscription receives all events of its topic, until it has settled them."""
    module = sdk("azure.eventgrid", "azure-eventgrid")
    azcred.resource(TOPIC)
    with azure.identity.DefaultAzureCredential() as credential:
        with module.EventGridPublisherClient(TOPIC, credential, namespace_topic="orders") as client:
            client.send([event(1), event(2)])
        for subscription in ("mail", "stock"):
            with module.EventGridConsumerClient(
                TOPIC, credential, namespace_topic="orders", subscription=subscription
            ) as consumer:
                first, second = consumer.receive(max_events=5)
                assert first.event.data == {"order": 1}
                assert consumer.receive() == []
                consumer.release(lock_tokens=[second.broker_properties.lock_token])
                done = consumer.acknowledge(lock_tokens=[first.broker_properties.lock_token, "other"])
                assert [each.lock_token for each in done.failed_lock_tokens] == ["other"]
                assert [each.event.data["order"] for each in consumer.receive(max_events=5)] == [2]


def test_a_topic_with_asyncio(azcred: Azcred, place: Place) -> None:
    """The same client's other half."""
    module = sdk("azure.eventgrid.aio", "azure-eventgrid")
    topic = azcred.resource(TOPIC)

    async def send() -> None:
        async with (
            azure.identity.aio.DefaultAzureCredential() as credential,
            module.EventGridPublisherClient(f"{TOPIC}/api/events", credential) as client,
        ):
            await client.send(event(1))

    asyncio.run(send())
    assert topic.content["events"][0]["type"] == "Orders.Made"


def test_logs(azcred: Azcred, place: Place) -> None:
    """They are kept by stream; another identity uploads none."""
    module = sdk("azure.monitor.ingestion", "azure-monitor-ingestion")
    endpoint = azcred.resource(INGESTION)
    with (
        azure.identity.DefaultAzureCredential() as credential,
        module.LogsIngestionClient(INGESTION, credential, retry_total=0) as client,
    ):
        client.upload("dcr-1", "Custom-Orders", [{"Number": 1}, {"Number": 2}])
        assert endpoint.content["logs"] == {"Custom-Orders": [{"Number": 1}, {"Number": 2}]}
        endpoint.allow("dana@contoso.com")
        with pytest.raises(HttpResponseError, match="has no role"):
            client.upload("dcr-1", "Custom-Orders", [{"Number": 3}])
    assert place.requests()[-1].resource == "https://monitor.azure.com"


def test_logs_with_asyncio(azcred: Azcred, place: Place) -> None:
    """The same client's other half."""
    module = sdk("azure.monitor.ingestion.aio", "azure-monitor-ingestion")
    endpoint = azcred.resource(INGESTION)

    async def upload() -> None:
        async with (
            azure.identity.aio.DefaultAzureCredential() as credential,
            module.LogsIngestionClient(INGESTION, credential) as client,
        ):
            await client.upload("dcr-1", "Custom-Orders", [{"Number": 1}])

    asyncio.run(upload())
    assert endpoint.content["logs"]["Custom-Orders"] == [{"Number": 1}]


def test_opentelemetry(azcred: Azcred, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exporter sends a span; another identity's is refused, which the exporter's result says."""
    exporter_module = sdk("azure.monitor.opentelemetry.exporter", "azure-monitor-opentelemetry-exporter")
    sdk_trace = sdk("opentelemetry.sdk.trace", "opentelemetry-sdk")
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    logging.getLogger("azure.monitor.opentelemetry").setLevel(logging.CRITICAL)
    insights = azcred.resource(INSIGHTS)
    key = "11111111-1111-4111-8111-111111111111"
    exporter = exporter_module.AzureMonitorTraceExporter(
        connection_string=f"InstrumentationKey={key};IngestionEndpoint={INSIGHTS}/",
        credential=azure.identity.DefaultAzureCredential(),
        disable_offline_storage=True,
    )
    span = sdk_trace.TracerProvider().get_tracer("shop").start_span("order")
    span.end()
    assert exporter.export([span]).name == "SUCCESS"
    assert [each["data"]["baseData"]["name"] for each in insights.content["telemetry"]] == ["order"]
    assert (place.requests()[-1].resource or "").rstrip("/") == "https://monitor.azure.com"
    insights.allow("dana@contoso.com")
    assert exporter.export([span]).name == "FAILURE"
    assert len(insights.content["telemetry"]) == 1
    exporter.shutdown()
