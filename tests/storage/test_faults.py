"""What goes wrong with storage: its own 503, refusals by name, answers that break off."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import DataLakeServiceClient
from azure.storage.queue import QueueServiceClient

from azcred_emulators.faults import BadChallenge, Refuse, Reset, Status, Throttle, Truncate
from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite
from pytest_azcred.place import Place


def url(service: str) -> str:
    return f"https://myaccount.{service}.core.windows.net"


CALLS: dict[str, Any] = {
    "blob": lambda: list(BlobServiceClient(url("blob"), DefaultAzureCredential(), retry_total=0).list_containers()),
    "queue": lambda: list(QueueServiceClient(url("queue"), DefaultAzureCredential(), retry_total=0).list_queues()),
    "table": lambda: list(
        TableServiceClient(endpoint=url("table"), credential=DefaultAzureCredential(), retry_total=0).list_tables()
    ),
    "dfs": lambda: (
        DataLakeServiceClient(url("dfs"), DefaultAzureCredential(), retry_total=0)
        .get_file_system_client("lake")
        .create_directory("a")
    ),
}


@pytest.mark.parametrize("service", CALLS)
def test_too_many_requests(azcred: Azcred, azurite: Azurite, fake_managed_identity: Place, service: str) -> None:
    """Storage says 503 and ServerBusy, in the form of each service."""
    azurite.faults.add(Throttle(retry_after=2), operation=service)
    with pytest.raises(HttpResponseError, match="The server is busy") as refusal:
        CALLS[service]()
    assert refusal.value.status_code == 503
    response: Any = refusal.value.response
    assert (response.headers["x-ms-error-code"], response.headers["Retry-After"]) == ("ServerBusy", "2")
    [entry] = azcred.journal.requests(emulator="storage")
    assert (entry.status, entry.fault, entry.operation) == (503, "Throttle", service)
    assert fake_managed_identity.statuses[-1] == 200


def test_a_client_tries_again(azcred: Azcred, azurite: Azurite, fake_managed_identity: Place) -> None:
    """Twice busy, once cut off, and then the answer."""
    azcred.clock.skip_waits()
    azurite.faults.add(Throttle(), times=2, method="PUT")
    azurite.faults.add(Reset(), method="PUT")
    BlobServiceClient(url("blob"), DefaultAzureCredential(), retry_total=4).create_container("photos")
    assert [entry.status for entry in azcred.journal.requests(emulator="storage")] == [503, 503, None, 201]
    assert azurite.contents() == {f"{url('blob')}/photos"}
    assert fake_managed_identity.statuses[-1] == 200


def test_refusals_by_name(azcred: Azcred, azurite: Azurite) -> None:
    """Others than those that are known are refused themselves."""
    service = BlobServiceClient.from_connection_string(azurite.connection_string(), retry_total=0)
    azurite.faults.add(Refuse("AccountIsDisabled"))
    with pytest.raises(HttpResponseError, match="AccountIsDisabled"):
        service.create_container("photos")
    azcred.faults_of("storage").add(Status(404, headers={"x-ms-error-code": "ResourceNotFound"}))
    with pytest.raises(ResourceNotFoundError):
        service.create_container("photos")
    with pytest.raises(TypeError, match="has no refusal 'ServerBussy'; did you mean 'ServerBusy'"):
        azurite.faults.add(Refuse("ServerBussy"))
    with pytest.raises(TypeError, match="'storage' sends no challenges"):
        azurite.faults.add(BadChallenge("no-header"))
    assert azurite.contents() == set()


def test_a_download_that_breaks_off(azcred: Azcred, azurite: Azurite) -> None:
    """In the middle of the blob, whose length the headers have: the client asks again."""
    service = BlobServiceClient.from_connection_string(azurite.connection_string(), retry_total=0)
    container = service.create_container("photos")
    container.upload_blob("cat.jpg", bytes(200_000))
    azurite.faults.add(Truncate(), method="GET", path="/photos/cat.jpg")
    assert container.download_blob("cat.jpg").readall() == bytes(200_000)
    reads = azcred.journal.requests(emulator="storage", method="GET")
    assert [(entry.status, entry.fault) for entry in reads] == [(206, "Truncate"), (206, None)]
