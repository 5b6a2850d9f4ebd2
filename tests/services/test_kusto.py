"""The real client of Kusto asks whose tokens the cluster takes, and gets the rows of a query."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import azure.identity
import azure.identity.aio
import pytest

from azcred_emulators.apis.protected_resource import ProtectedResource
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")
ROWS: list[dict[str, Any]] = [
    {"Number": 1, "Total": 2.5, "Open": True, "Lines": ["tea"]},
    {"Number": 2, "Total": None, "Open": False},
]


@pytest.fixture
def cluster(azcred: Azcred) -> ProtectedResource:
    """A cluster with a name of its own: the client remembers a cluster's metadata for ever."""
    cluster = azcred.resource(f"https://shop{uuid.uuid4().hex[:8]}.westeurope.kusto.windows.net")
    return cluster.fill(queries={"Orders | where Total > 1": ROWS, ".show tables": [{"TableName": "Orders"}]})


def connection(url: str, credential: Any) -> Any:
    """Return where and as whom to connect."""
    data = sdk("azure.kusto.data", "azure-kusto-data")
    return data.KustoConnectionStringBuilder.with_azure_token_credential(url, credential)


def test_a_query(cluster: ProtectedResource, place: Place) -> None:
    """And a command, and a query that the test has not set."""
    data = sdk("azure.kusto.data", "azure-kusto-data")
    exceptions = sdk("azure.kusto.data.exceptions", "azure-kusto-data")
    with data.KustoClient(connection(cluster.url, azure.identity.DefaultAzureCredential())) as client:
        [table] = client.execute("shop", "Orders\n| where Total > 1").primary_results
        assert [row.to_dict() for row in table] == [ROWS[0], {**ROWS[1], "Lines": None}]
        assert [column.column_type for column in table.columns] == ["long", "real", "bool", "dynamic"]
        [tables] = client.execute_mgmt("shop", ".show tables").primary_results
        assert [row["TableName"] for row in tables] == ["Orders"]
        with pytest.raises(exceptions.KustoServiceError, match="The test has set no rows for 'Other'"):
            client.execute("shop", "Other")
    assert (cluster.requests[0].path, cluster.requests[0].claims) == ("/v1/rest/auth/metadata", None)
    assert cluster.requests[-1].identity == place.identity.name
    assert place.requests()[-1].resource == "https://kusto.kusto.windows.net"


def test_a_query_with_asyncio(cluster: ProtectedResource, place: Place) -> None:
    """The same client's other half."""
    module = sdk("azure.kusto.data.aio", "azure-kusto-data")

    async def numbers() -> list[int]:
        where = connection(cluster.url, azure.identity.aio.DefaultAzureCredential())
        async with module.KustoClient(where) as client:
            answer = await client.execute("shop", "Orders | where Total > 1")
            return [row["Number"] for row in answer.primary_results[0]]

    assert asyncio.run(numbers()) == [1, 2]


def test_another_identity(cluster: ProtectedResource, place: Place) -> None:
    """It is refused its query."""
    data = sdk("azure.kusto.data", "azure-kusto-data")
    exceptions = sdk("azure.kusto.data.exceptions", "azure-kusto-data")
    cluster.allow("dana@contoso.com")
    with (
        data.KustoClient(connection(cluster.url, azure.identity.DefaultAzureCredential())) as client,
        pytest.raises(exceptions.KustoServiceError, match="has no role that allows this"),
    ):
        client.execute("shop", "Orders | where Total > 1")


def test_what_a_cluster_cannot_hold(cluster: ProtectedResource) -> None:
    """Is refused where the test fills it in."""
    with pytest.raises(ValueError, match="the rows of the query 'Orders' are a list of tables"):
        cluster.fill(queries={"Orders": [1]})
