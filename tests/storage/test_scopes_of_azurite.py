"""Azurite in scopes: what is made in an inner one goes with it, and so does what its tokens are good for."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite

BLOB = "https://myaccount.blob.core.windows.net"


def make(azurite: Azurite, name: str) -> None:
    """Make a container with a blob."""
    BlobServiceClient(BLOB, credential=azurite.key).create_container(name).upload_blob("of", name.encode())


class TestTheClassHasAContainer:
    """Its tests see what the class has made, and each its own."""

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def ofclass(azurite_class: Azurite) -> None:
        make(azurite_class, "ofclass")

    @pytest.mark.parametrize("turn", [1, 2])
    def test_a_scope_inside(self, azurite: Azurite, turn: int) -> None:
        """What a test makes is gone in the next one."""
        assert azurite.contents() == {f"{BLOB}/ofclass"}
        make(azurite, "oftest")
        assert azurite.contents() == {f"{BLOB}/ofclass", f"{BLOB}/oftest"}

    @pytest.mark.parametrize("turn", [1, 2])
    def test_without_a_scope_of_its_own(self, azcred: Azcred, azurite_class: Azurite, turn: int) -> None:
        """The routes of the class are there, for the app's own identity."""
        azcred.environment("app-service")
        client = BlobServiceClient(BLOB, credential=DefaultAzureCredential()).get_blob_client("ofclass", "of")
        assert client.download_blob().readall() == b"ofclass"
        azcred.journal.assert_tokens(provider="managed-identity", times=1)


def test_after_the_class(azurite: Azurite) -> None:
    """Nothing is left."""
    assert azurite.contents() == set()


class TestTokens:
    """Whose token it is decides for how long storage takes it."""

    @pytest.fixture(scope="class")
    @staticmethod
    def of_class(azcred_class: Azcred, azurite_class: Azurite) -> DefaultAzureCredential:
        azcred_class.environment("app-service")
        credential = DefaultAzureCredential()
        BlobServiceClient(BLOB, credential=credential).create_container("ofclass")
        return credential

    @pytest.mark.parametrize("turn", [1, 2])
    def test_the_credential_of_a_class_goes_on(
        self, azcred: Azcred, azurite: Azurite, of_class: DefaultAzureCredential, turn: int
    ) -> None:
        """Inside tests with accounts and identities of their own, and after their clock has moved."""
        azcred.environment("virtual-machine")
        azcred.clock.advance(hours=turn * 2)
        containers = BlobServiceClient(BLOB, credential=of_class).list_containers()
        assert [container.name for container in containers] == ["ofclass"]
        azcred.journal.assert_requests(emulator="storage", status=200, times=1)


class TestAKeptToken:
    """One that outlives its test."""

    kept: ClassVar[list[Any]] = []

    @pytest.mark.parametrize("turn", [1, 2])
    def test_a_token_of_an_earlier_test_is_refused(self, azcred: Azcred, azurite: Azurite, turn: int) -> None:
        """As from a cache that nobody has cleared."""
        azcred.environment("virtual-machine")
        for kept in self.kept:
            with pytest.raises(ClientAuthenticationError, match="the token was issued in another test"):
                list(BlobServiceClient(BLOB, credential=kept).list_containers())
            refused = azcred.journal.requests(emulator="storage", status=401)
            assert all("the token was issued in another test" in str(entry.error) for entry in refused)
        token = DefaultAzureCredential().get_token("https://storage.azure.com/.default")
        self.kept.append(Kept(token))
        assert list(BlobServiceClient(BLOB, credential=self.kept[-1]).list_containers()) == []


class Kept:
    """A credential that hands out one token for ever."""

    def __init__(self, token: AccessToken) -> None:
        self._token = token

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return self._token


@pytest.mark.parametrize("turn", [1, 2])
def test_queues_and_tables_go_with_the_test_as_well(azurite: Azurite, turn: int) -> None:
    """Both turns make the same ones."""
    QueueServiceClient("https://myaccount.queue.core.windows.net", credential=azurite.key).create_queue("jobs")
    table = AzureNamedKeyCredential("myaccount", azurite.key)
    TableServiceClient(endpoint="https://myaccount.table.core.windows.net", credential=table).create_table("Orders")
    assert azurite.contents() == {
        "https://myaccount.queue.core.windows.net/jobs",
        "https://myaccount.table.core.windows.net/Orders",
    }
