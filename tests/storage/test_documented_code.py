"""The code that Azure's documentation shows, unchanged, against Azurite under the storage account's real name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import azure.identity.aio
import azure.storage.blob.aio
import pytest
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

import pytest_azcred.credentials.aio
from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite
from pytest_azcred.place import Place

pytestmark = pytest.mark.usefixtures("azurite")

URL = "https://myaccount.blob.core.windows.net"
PLACES = ("virtual-machine", "kubernetes", "developer-service-principal")


def upload(data: bytes) -> None:
    client = BlobServiceClient(URL, credential=DefaultAzureCredential())
    client.create_container("photos").upload_blob("cat.jpg", data)


def upload_with_our_credential(data: bytes) -> None:
    with pytest_azcred.credentials.DefaultAzureCredential() as credential:
        BlobServiceClient(URL, credential=credential).create_container("photos").upload_blob("cat.jpg", data)


async def upload_async(data: bytes) -> None:
    async with (
        azure.identity.aio.DefaultAzureCredential() as credential,
        azure.storage.blob.aio.BlobServiceClient(URL, credential=credential) as client,
    ):
        container = await client.create_container("photos")
        await container.upload_blob("cat.jpg", data)


def upload_in_an_event_loop(data: bytes) -> None:
    asyncio.run(upload_async(data))


def upload_in_an_event_loop_with_our_credential(data: bytes) -> None:
    async def main() -> None:
        async with (
            pytest_azcred.credentials.aio.DefaultAzureCredential() as credential,
            azure.storage.blob.aio.BlobServiceClient(URL, credential=credential) as client,
        ):
            container = await client.create_container("photos")
            await container.upload_blob("cat.jpg", data)

    asyncio.run(main())


UPLOADS = (
    upload,
    upload_in_an_event_loop,
    upload_with_our_credential,
    upload_in_an_event_loop_with_our_credential,
)


def stored(azurite: Azurite) -> bytes:
    """Read the blob with the account's key: that takes no token, so the journal does not show it."""
    client: Any = BlobServiceClient(URL, credential=azurite.key)
    content: bytes = client.get_blob_client("photos", "cat.jpg").download_blob().readall()
    return content


def test_upload(fake_managed_identity: Place) -> None:
    """The example: on a virtual machine, the managed identity is asked for a token to Azure Storage."""
    upload(b"hello")
    assert fake_managed_identity.requests()[-1].resource == "https://storage.azure.com"


def test_upload_as_a_service_principal(fake_service_principal: Place) -> None:
    """The same code on a machine with a client secret in its variables."""
    upload(b"hello")
    assert fake_service_principal.requests()[-1].resource == "https://storage.azure.com"


def test_upload_from_a_pod(fake_workload_identity: Place) -> None:
    """The same code in Kubernetes."""
    upload(b"hello")
    assert fake_workload_identity.requests()[-1].resource == "https://storage.azure.com"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("uploads", UPLOADS)
def test_what_is_uploaded_is_stored(
    azcred: Azcred, azurite: Azurite, uploads: Callable[[bytes], None], place: str
) -> None:
    """Wherever the app runs, whichever credential it uses, one token is enough for both requests."""
    here = azcred.environment(place)
    uploads(b"hello")
    assert stored(azurite) == b"hello"
    azcred.journal.assert_tokens(times=1)
    azcred.journal.assert_tokens(
        provider=here.environment.provider,
        client_id=here.identity.client_id,
        resource="https://storage.azure.com",
        times=1,
    )
