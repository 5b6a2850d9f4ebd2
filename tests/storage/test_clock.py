"""Storage lives on the test's clock: shared access signatures, user-delegation keys, messages, and what it writes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobClient, BlobSasPermissions, BlobServiceClient, generate_blob_sas
from azure.storage.queue import QueueServiceClient

from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite
from pytest_azcred.place import Place

URL = "https://myaccount.blob.core.windows.net"


def now(azcred: Azcred) -> datetime:
    """Return the test's time, to the second."""
    return datetime.fromtimestamp(int(azcred.clock.now()), timezone.utc)


def shared(service: BlobServiceClient, **how: Any) -> BlobClient:
    """Return a client for a blob with a signature that is good for an hour."""
    permission = BlobSasPermissions(read=True)
    sas = generate_blob_sas("myaccount", "photos", "cat.jpg", permission=permission, **how)
    return BlobClient.from_blob_url(f"{URL}/photos/cat.jpg?{sas}")


@pytest.mark.parametrize("hours", [0, 24 * 30])
def test_a_signature_by_user_delegation(
    azcred: Azcred, azurite: Azurite, fake_managed_identity: Place, hours: int
) -> None:
    """It is good from its start to its end, by the clock that the test moves; the key names the identity."""
    azcred.clock.advance(hours=hours)
    service = BlobServiceClient(URL, credential=DefaultAzureCredential())
    service.create_container("photos").upload_blob("cat.jpg", b"meow")
    start, expiry = now(azcred) - timedelta(minutes=5), now(azcred) + timedelta(hours=1)
    key: Any = service.get_user_delegation_key(start, expiry)
    assert key.signed_oid == fake_managed_identity.identity.object_id
    assert key.signed_tid == fake_managed_identity.identity.tenant_id
    blob = shared(service, user_delegation_key=key, start=start, expiry=expiry)
    assert blob.download_blob().readall() == b"meow"
    [read] = azcred.journal.requests(emulator="storage", method="GET")
    assert (read.status, read.identity) == (206, None)
    azcred.clock.advance(hours=2)
    with pytest.raises(HttpResponseError, match="AuthorizationFailure"):
        blob.download_blob()
    assert azcred.journal.requests(emulator="storage", method="GET")[-1].status == 403


def test_a_signature_by_the_shared_key(azcred: Azcred, azurite: Azurite) -> None:
    """Likewise; before its start it is good for nothing, either."""
    service = BlobServiceClient(URL, credential={"account_name": "myaccount", "account_key": azurite.key})
    service.create_container("photos").upload_blob("cat.jpg", b"meow")
    start, expiry = now(azcred) + timedelta(days=7), now(azcred) + timedelta(days=8)
    blob = shared(service, account_key=azurite.key, start=start, expiry=expiry)
    for days, is_good in ((0, False), (7.5, True), (1, False)):
        azcred.clock.advance(days=days)
        if is_good:
            assert blob.download_blob().readall() == b"meow"
        else:
            with pytest.raises(HttpResponseError):
                blob.download_blob()


def test_a_message_is_visible_again(azcred: Azcred, azurite: Azurite) -> None:
    """When its time has passed on the clock, without any waiting; and gone when its life has."""
    queue = QueueServiceClient.from_connection_string(azurite.connection_string()).create_queue("jobs")
    queue.send_message("two cats", time_to_live=86400)
    assert [message.content for message in queue.receive_messages(visibility_timeout=3600)] == ["two cats"]
    assert list(queue.receive_messages()) == []
    azcred.clock.advance(hours=2)
    assert [message.content for message in queue.receive_messages()] == ["two cats"]
    azcred.clock.advance(hours=24)
    assert list(queue.receive_messages()) == []


def test_times_that_it_writes(azcred: Azcred, azurite: Azurite) -> None:
    """And conditions on them."""
    azcred.clock.move_to(datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc))
    service = BlobServiceClient(URL, credential={"account_name": "myaccount", "account_key": azurite.key})
    blob = service.create_container("photos").upload_blob("cat.jpg", b"meow")
    modified = blob.get_blob_properties().last_modified
    assert modified is not None
    assert abs(modified - now(azcred)) < timedelta(minutes=1)
    azcred.clock.advance(days=1)
    with pytest.raises(HttpResponseError) as unchanged:
        blob.get_blob_properties(if_modified_since=now(azcred) - timedelta(hours=1))
    assert unchanged.value.status_code == 304


def test_the_next_test_has_the_real_time(azurite: Azurite) -> None:
    """Whatever an earlier one has done to the clock."""
    service = BlobServiceClient(URL, credential={"account_name": "myaccount", "account_key": azurite.key})
    created = service.create_container("photos").get_container_properties().last_modified
    assert created is not None
    assert abs(created - datetime.now(timezone.utc)) < timedelta(minutes=1)
