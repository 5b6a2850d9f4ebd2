"""The real client of Cosmos DB creates, reads and queries items."""

from __future__ import annotations

import asyncio

import azure.identity
import azure.identity.aio
import pytest
from azure.core import MatchConditions

from azcred_emulators.apis.protected_resource import ProtectedResource
from azcred_emulators.apis.stand_ins.cosmos import queries
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")
ITEMS = [{"id": "1", "customer": "ada", "total": 5}, {"id": "2", "customer": "grace", "total": 5}]


@pytest.fixture
def account(azcred: Azcred) -> ProtectedResource:
    """An account with a container."""
    account = azcred.resource("https://shop.documents.azure.com")
    return account.fill(containers={"shop/orders": "/customer"}, items={"shop/orders": ITEMS})


def test_items(account: ProtectedResource, place: Place) -> None:
    """Created, read, replaced, found, deleted."""
    cosmos = sdk("azure.cosmos", "azure-cosmos")
    with azure.identity.DefaultAzureCredential() as credential, cosmos.CosmosClient(account.url, credential) as client:
        orders = client.get_database_client("shop").get_container_client("orders")
        assert orders.read_item("1", partition_key="ada")["total"] == 5
        made = orders.create_item({"id": "3", "customer": "ada", "total": 7})
        with pytest.raises(cosmos.exceptions.CosmosResourceExistsError):
            orders.create_item({"id": "3", "customer": "ada"})
        orders.upsert_item({"id": "3", "customer": "ada", "total": 8})
        with pytest.raises(cosmos.exceptions.CosmosAccessConditionFailedError):
            orders.replace_item("3", made, etag=made["_etag"], match_condition=MatchConditions.IfNotModified)
        found = orders.query_items(
            "SELECT * FROM c WHERE c.total = @total AND c.customer = 'ada'",
            parameters=[{"name": "@total", "value": 8}],
            partition_key="ada",
        )
        assert [item["id"] for item in found] == ["3"]
        everywhere = orders.query_items("SELECT * FROM c WHERE c.total = 5", enable_cross_partition_query=True)
        assert [item["customer"] for item in everywhere] == ["ada", "grace"]
        with pytest.raises(cosmos.exceptions.CosmosHttpResponseError, match="understands no condition"):
            list(orders.query_items("SELECT * FROM c WHERE c.total > 5", partition_key="ada"))
        orders.delete_item("2", partition_key="grace")
        with pytest.raises(cosmos.exceptions.CosmosResourceNotFoundError):
            orders.read_item("2", partition_key="grace")
    assert [item["id"] for item in account.content["items"]["shop/orders"]] == ["1", "3"]
    assert account.requests[0].headers["Authorization"] == "<token>"
    assert place.requests()[-1].resource == account.url


def test_items_with_asyncio(account: ProtectedResource, place: Place) -> None:
    """The same client's other half."""
    cosmos = sdk("azure.cosmos.aio", "azure-cosmos")

    async def read() -> object:
        async with (
            azure.identity.aio.DefaultAzureCredential() as credential,
            cosmos.CosmosClient(account.url, credential) as client,
        ):
            orders = client.get_database_client("shop").get_container_client("orders")
            await orders.create_item({"id": "3", "customer": "ada", "total": 7})
            query = orders.query_items("SELECT * FROM c WHERE c.id = '3'", partition_key="ada")
            return [item["total"] async for item in query]

    assert asyncio.run(read()) == [7]


def test_another_identity(account: ProtectedResource, place: Place) -> None:
    """A good token without a role is Forbidden, with Cosmos DB's own substatus."""
    cosmos = sdk("azure.cosmos", "azure-cosmos")
    account.allow("dana@contoso.com")
    with (
        azure.identity.DefaultAzureCredential() as credential,
        pytest.raises(cosmos.exceptions.CosmosHttpResponseError, match="Request blocked by Auth shop") as refused,
    ):
        cosmos.CosmosClient(account.url, credential, retry_total=0)
    assert (refused.value.status_code, refused.value.sub_status) == (403, 5300)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("SELECT * FROM c", ["1", "2"]),
        ('select * from c where c.customer = "ada"', ["1"]),
        ("SELECT * FROM orders o WHERE o.total = 5 AND (o.id = @id)", ["2"]),
        ("SELECT VALUE c FROM c WHERE c['id'] = '1'", None),
        ('SELECT VALUE c FROM c WHERE c["id"] = "1"', ["1"]),
        ("SELECT c.id FROM c WHERE c.missing = null", []),
        ("SELECT * FROM c ORDER BY c.id", None),
        ("DELETE FROM c", None),
        ("SELECT * FROM c WHERE c.id = @other", None),
    ],
)
def test_queries(text: str, ids: list[str] | None) -> None:
    """What is not understood is refused, never answered wrongly."""
    if ids is None:
        with pytest.raises(ValueError, match=r"understands no|has no parameter"):
            queries.run(text, [{"name": "@id", "value": "2"}], ITEMS)
    else:
        assert [item["id"] for item in queries.run(text, [{"name": "@id", "value": "2"}], ITEMS)] == ids
    assert queries.run("SELECT VALUE COUNT(1) FROM c", [], ITEMS) == [2]


def test_what_an_account_cannot_hold(account: ProtectedResource) -> None:
    """Is refused where the test fills it in."""
    with pytest.raises(ValueError, match="an item of shop/orders is a table with an id that is text"):
        account.fill(items={"shop/orders": [{"id": 1}]})
    with pytest.raises(ValueError, match="a container is named 'database/container'"):
        account.fill(items={"orders": []})
