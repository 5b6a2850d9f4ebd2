"""Data Lake Storage, by operations on blobs: its own client sees directories, and what there is not is said."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import (
    AccountSasPermissions,
    ContentSettings,
    DataLakeServiceClient,
    FileSystemClient,
    ResourceTypes,
    generate_account_sas,
)

from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite

URL = "https://myaccount.dfs.core.windows.net"


@pytest.fixture
def lake(azurite: Azurite) -> FileSystemClient:
    """An empty file system."""
    return DataLakeServiceClient(URL, credential=azurite.key).create_file_system("lake")


def listed(lake: FileSystemClient, directory: str | None = None, **options: Any) -> list[tuple[str, bool, int]]:
    return [(path.name, path.is_directory, path.content_length) for path in lake.get_paths(directory, **options)]


def test_files_and_directories(lake: FileSystemClient) -> None:
    """Those above a file are there as soon as it is, and are marked as directories in every listing."""
    lake.get_file_client("a/b c/ü+1.txt").create_file(metadata={"of": "Tom"})
    lake.get_file_client("a/2.bin").upload_data(b"x" * 2_000_000, overwrite=True)
    assert listed(lake) == [
        ("a", True, 0),
        ("a/2.bin", False, 2_000_000),
        ("a/b c", True, 0),
        ("a/b c/ü+1.txt", False, 0),
    ]
    assert listed(lake, recursive=False) == [("a", True, 0)]
    assert listed(lake, "a", recursive=False) == [("a/2.bin", False, 2_000_000), ("a/b c", True, 0)]
    assert lake.get_directory_client("a/b c").exists()
    assert not lake.get_directory_client("a/c").exists()


def test_pages(lake: FileSystemClient) -> None:
    """As many as are asked for, and then the rest."""
    for number in range(5):
        lake.get_file_client(f"{number}").create_file()
    pages = [[path.name for path in page] for page in lake.get_paths(max_results=2).by_page()]
    assert pages == [["0", "1"], ["2", "3"], ["4"]]


def test_appending(lake: FileSystemClient) -> None:
    """Nothing is there before it is flushed; the file keeps its metadata, and is added to later."""
    file = lake.get_file_client("log")
    file.create_file(metadata={"of": "Tom"}, content_settings=ContentSettings(content_type="text/plain"))
    file.append_data(b"world", 6)
    file.append_data(b"hello ", 0)
    assert file.get_file_properties().size == 0
    file.flush_data(11)
    file.append_data(b"!", 11, flush=True)
    assert file.download_file().readall() == b"hello world!"
    properties = file.get_file_properties()
    assert properties.metadata == {"of": "Tom"}
    assert properties.content_settings.content_type == "text/plain"
    with pytest.raises(HttpResponseError, match="InvalidFlushPosition"):
        file.flush_data(99)
    with pytest.raises(ResourceModifiedError):
        file.flush_data(12, etag='"other"', match_condition=MatchConditions.IfNotModified)


def test_appending_to_what_was_uploaded_as_a_blob(lake: FileSystemClient, azurite: Azurite) -> None:
    """Both services have the same data."""
    blobs = BlobServiceClient.from_connection_string(azurite.connection_string())
    blobs.get_blob_client("lake", "in/log").upload_blob(b"hello ")
    assert listed(lake) == [("in", True, 0), ("in/log", False, 6)]
    lake.get_file_client("in/log").append_data(b"world", 6, flush=True)
    assert blobs.get_blob_client("lake", "in/log").download_blob().readall() == b"hello world"


def test_renaming(lake: FileSystemClient) -> None:
    """A file, and a directory with everything in it; to a parent that is there, from a source that is."""
    lake.get_file_client("a/b/1").upload_data(b"one", overwrite=True)
    lake.get_directory_client("a/b").rename_directory("lake/a/c")
    lake.get_file_client("a/c/1").rename_file("lake/a/2")
    assert listed(lake) == [("a", True, 0), ("a/2", False, 3), ("a/c", True, 0)]
    with pytest.raises(ResourceNotFoundError, match="SourcePathNotFound"):
        lake.get_file_client("none").rename_file("lake/a/3")
    with pytest.raises(ResourceNotFoundError, match="RenameDestinationParentPathNotFound"):
        lake.get_file_client("a/2").rename_file("lake/z/3")
    lake.get_file_client("d/1").create_file()
    with pytest.raises(ResourceExistsError, match="The destination directory is not empty"):
        lake.get_directory_client("d").rename_directory("lake/a")


def test_deleting(lake: FileSystemClient) -> None:
    """A directory goes with what is in it, if that is said."""
    lake.get_file_client("a/b/1").create_file()
    client: Any = lake.get_directory_client("a")
    with pytest.raises(ResourceExistsError, match="DirectoryNotEmpty"):
        client._client.path.delete(recursive=False)
    lake.get_file_client("a/b/1").delete_file()
    lake.delete_directory("a")
    assert listed(lake) == []
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        lake.get_file_client("a/b/1").delete_file()


def test_what_is_not_there(lake: FileSystemClient) -> None:
    """In the words of this service, not in those of blobs."""
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        listed(lake, "none")
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        lake.get_file_client("none").append_data(b"x", 0)
    with pytest.raises(ResourceNotFoundError, match="PathNotFound"):
        lake.get_file_client("none").flush_data(0)
    lake.get_file_client("1").create_file()
    with pytest.raises(ResourceExistsError, match="PathAlreadyExists"):
        lake.get_file_client("1").create_file(match_condition=MatchConditions.IfMissing)
    lake.delete_file_system()
    with pytest.raises(ResourceNotFoundError, match="FilesystemNotFound"):
        listed(lake)


def test_what_it_has_not_is_refused_in_a_sentence(azcred: Azcred, lake: FileSystemClient) -> None:
    """Access control lists, leases by which to append, and everything else that needs more than blobs."""
    file = lake.get_file_client("1")
    file.create_file()
    calls: tuple[Callable[[], object], ...] = (
        lambda: file.set_access_control(owner="me"),
        lambda: file.create_file(permissions="rwxrwxrwx"),
    )
    for call in calls:
        with pytest.raises(HttpResponseError, match="azcred's front of Data Lake Storage") as refusal:
            call()
        assert refusal.value.status_code == 501
    with pytest.raises(HttpResponseError, match="FeatureNotSupported"):  # a HEAD, whose answer has no sentence
        file.get_access_control()
    reasons = [str(entry.error) for entry in azcred.journal.requests(operation="dfs", status=501)]
    assert reasons[-1].endswith("not HEAD with action=getAccessControl&upn=false")


def test_a_shared_access_signature(azurite: Azurite, lake: FileSystemClient) -> None:
    """It goes on with each request for blobs, and Azurite judges it."""

    def client(*permissions: str) -> FileSystemClient:
        expiry = datetime.now(timezone.utc) + timedelta(hours=1)
        allowed = AccountSasPermissions(**dict.fromkeys(permissions, True))
        kinds = ResourceTypes(service=True, file_system=True, object=True)
        sas = generate_account_sas("myaccount", azurite.key, kinds, allowed, expiry)
        return DataLakeServiceClient(URL, credential=sas).get_file_system_client("lake")

    client("read", "write", "list", "create").get_file_client("a/1").upload_data(b"one", overwrite=True)
    assert client("read").get_file_client("a/1").download_file().readall() == b"one"
    assert len(listed(client("list"))) == 2
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        client("read", "list").get_file_client("a/2").create_file()
    assert listed(lake) == [("a", True, 0), ("a/1", False, 3)]


@pytest.mark.usefixtures("lake")
def test_another_key_is_refused(azcred: Azcred) -> None:
    """Its signature is checked before anything is done."""
    stranger = DataLakeServiceClient(URL, credential=base64.b64encode(b"x" * 64).decode())
    with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
        stranger.get_file_system_client("lake").create_file("1")
    azcred.journal.assert_requests(operation="dfs", status=403, times=1)
