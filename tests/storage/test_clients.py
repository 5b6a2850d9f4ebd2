"""Every client of Azure Storage, unmodified: blobs, queues, tables and Data Lake Storage, synchronous and not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import azure.data.tables.aio
import azure.identity.aio
import azure.storage.blob.aio
import azure.storage.filedatalake.aio
import azure.storage.queue.aio
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import DataLakeServiceClient
from azure.storage.queue import QueueServiceClient

from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite

BLOB, QUEUE, TABLE, LAKE = (f"https://myaccount.{each}.core.windows.net" for each in ("blob", "queue", "table", "dfs"))
ORDER = {"PartitionKey": "2026", "RowKey": "1", "total": 42}
MESSAGE = "two cats"


def blobs(credential: Any) -> object:
    container = BlobServiceClient(BLOB, credential).create_container("photos")
    container.upload_blob("a b/cat+ä.jpg", b"meow", metadata={"Of": "Tom"})
    blob = container.get_blob_client("a b/cat+ä.jpg")
    [listed] = container.list_blobs(include=["metadata"])
    read = blob.download_blob().readall(), blob.get_blob_properties().metadata, listed.name
    container.delete_blobs(listed.name)  # a batch
    return *read, blob.exists()


def queues(credential: Any) -> object:
    queue = QueueServiceClient(QUEUE, credential).create_queue("jobs")
    queue.send_message(MESSAGE)
    received = []
    for message in queue.receive_messages():
        received.append(message.content)
        queue.delete_message(message)
    return received, queue.get_queue_properties().approximate_message_count


def tables(credential: Any) -> object:
    table = TableServiceClient(endpoint=TABLE, credential=credential).create_table("Orders")
    table.create_entity(ORDER)
    table.submit_transaction([("upsert", {**ORDER, "RowKey": "2", "total": 8})])
    found = table.query_entities("total gt 10")
    return [entity["RowKey"] for entity in found], table.get_entity("2026", "2")["total"]


def lake(credential: Any) -> object:
    file_system = DataLakeServiceClient(LAKE, credential).create_file_system("lake")
    file = file_system.create_directory("raw").create_file("1.csv")
    file.append_data(b"a,b", 0)
    file.flush_data(3)
    return file.download_file().readall(), [path.name for path in file_system.get_paths()]


async def blobs_aio(credential: Any) -> object:
    async with azure.storage.blob.aio.BlobServiceClient(BLOB, credential) as service:
        container = await service.create_container("photos")
        await container.upload_blob("a b/cat+ä.jpg", b"meow", metadata={"Of": "Tom"})
        blob = container.get_blob_client("a b/cat+ä.jpg")
        [listed] = [each async for each in container.list_blobs(include=["metadata"])]
        properties = await blob.get_blob_properties()
        read = await (await blob.download_blob()).readall(), properties.metadata, listed.name
        await container.delete_blobs(listed.name)
        return *read, await blob.exists()


async def queues_aio(credential: Any) -> object:
    async with azure.storage.queue.aio.QueueServiceClient(QUEUE, credential) as service:
        queue = await service.create_queue("jobs")
        await queue.send_message(MESSAGE)
        received = []
        async for message in queue.receive_messages():
            received.append(message.content)
            await queue.delete_message(message)
        return received, (await queue.get_queue_properties()).approximate_message_count


async def tables_aio(credential: Any) -> object:
    async with azure.data.tables.aio.TableServiceClient(endpoint=TABLE, credential=credential) as service:
        table = await service.create_table("Orders")
        await table.create_entity(ORDER)
        await table.submit_transaction([("upsert", {**ORDER, "RowKey": "2", "total": 8})])
        found = [entity["RowKey"] async for entity in table.query_entities("total gt 10")]
        return found, (await table.get_entity("2026", "2"))["total"]


async def lake_aio(credential: Any) -> object:
    async with azure.storage.filedatalake.aio.DataLakeServiceClient(LAKE, credential) as service:
        file_system = await service.create_file_system("lake")
        directory = await file_system.create_directory("raw")
        file = await directory.create_file("1.csv")
        await file.append_data(b"a,b", 0)
        await file.flush_data(3)
        content = await (await file.download_file()).readall()
        return content, [path.name async for path in file_system.get_paths()]


def in_a_loop(use: Callable[[Any], Any]) -> Callable[[Any], object]:
    """Return a function that runs an asynchronous one, with an asynchronous credential unless it gets a key."""

    async def run(key: Any) -> object:
        if key is not None:
            return await use(key)
        async with azure.identity.aio.DefaultAzureCredential() as credential:
            return await use(credential)

    return lambda key: asyncio.run(run(key))


CLIENTS: dict[str, tuple[str, Callable[[Any], object], Callable[[Any], object], object]] = {
    "blob": ("blob", blobs, in_a_loop(blobs_aio), (b"meow", {"Of": "Tom"}, "a b/cat+ä.jpg", False)),
    "queue": ("queue", queues, in_a_loop(queues_aio), ([MESSAGE], 0)),
    "table": ("table", tables, in_a_loop(tables_aio), (["1"], 8)),
    "data lake": ("dfs", lake, in_a_loop(lake_aio), (b"a,b", ["raw", "raw/1.csv"])),
}


@pytest.mark.parametrize("place", ["app-service", "kubernetes"])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_with_the_identity_of_a_place(azcred: Azcred, azurite: Azurite, client: str, kind: str, place: str) -> None:
    """One token is enough, each request is in the journal as that identity's, and nothing is refused."""
    service, use, use_aio, expected = CLIENTS[client]
    here = azcred.environment(place)
    assert (use(DefaultAzureCredential()) if kind == "sync" else use_aio(None)) == expected
    azcred.journal.assert_tokens(times=1, resource="https://storage.azure.com", provider=here.environment.provider)
    entries = azcred.journal.requests(emulator="storage")
    assert service in {entry.operation for entry in entries}
    assert {entry.identity for entry in entries} == {here.identity.name}
    assert {entry.status for entry in entries} <= {200, 201, 202, 204, 206, 404}
    assert azurite.contents()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_with_the_shared_key(azcred: Azcred, azurite: Azurite, client: str, kind: str) -> None:
    """A signature of each request, which Azurite judges, except where it gets other requests; no token is asked for."""
    _, use, use_aio, expected = CLIENTS[client]
    key: Any = {"account_name": "myaccount", "account_key": azurite.key}
    if client == "table":
        key = AzureNamedKeyCredential("myaccount", azurite.key)
    assert (use if kind == "sync" else use_aio)(key) == expected
    entries = azcred.journal.requests()
    assert {(entry.emulator, entry.identity, entry.resource) for entry in entries} == {("storage", None, None)}
