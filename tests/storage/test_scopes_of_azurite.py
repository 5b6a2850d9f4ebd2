"""Azurite for a class: what is made in an inner scope goes with it, the rest stays."""

from __future__ import annotations

import pytest
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

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
