"""Websockets and streams of a protected resource, over real connections."""

from __future__ import annotations

import azure.identity
import httpx
import pytest
import websockets.asyncio.client
import websockets.exceptions
import websockets.sync.client

from azcred_emulators.emulators import Emulators
from azcred_emulators.serving.websocket import WebSocket
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

URL = "wss://shop.webpubsub.azure.com/client/hubs/orders"
BIG = "x" * 70_000


@pytest.fixture
def token(fake_managed_identity: Place) -> str:
    """A token for Web PubSub."""
    credential = azure.identity.ManagedIdentityCredential()
    return str(credential.get_token("https://webpubsub.azure.com/.default").token)


def echo(websocket: WebSocket) -> None:
    """Send back what comes, until "bye"."""
    for message in websocket:
        if message == "bye":
            return
        websocket.send(message)


def test_a_websocket(azcred: Azcred, token: str) -> None:
    """With the token in a header or in the query; text, bytes, long messages, pings, and the end of either side."""
    hub = azcred.resource("https://shop.webpubsub.azure.com")
    hub.websocket("/client/hubs/<hub>", echo)
    headers = {"Authorization": f"Bearer {token}"}
    with websockets.sync.client.connect(URL, additional_headers=headers, subprotocols=["json.v1"]) as client:  # type: ignore[list-item]
        assert client.subprotocol == "json.v1"
        for message in ("hello", b"\x00\xff", BIG, BIG[:200]):
            client.send(message)
            assert client.recv() == message
        assert client.ping().wait(10)
        client.send("bye")
        with pytest.raises(websockets.exceptions.ConnectionClosedOK):
            client.recv()
    with websockets.sync.client.connect(f"{URL}?access_token={token}") as client:
        client.send("again")
        assert client.recv() == "again"
    assert [(each.status, each.path) for each in hub.requests] == [(101, "/client/hubs/orders")] * 2
    assert [entry.status for entry in azcred.journal.requests(emulator="resource")] == [101, 101]


def test_a_websocket_without_a_token(azcred: Azcred) -> None:
    """Is refused before the upgrade, with the service's challenge."""
    azcred.resource("https://shop.webpubsub.azure.com").websocket("/client/hubs/<hub>", echo)
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused, websockets.sync.client.connect(URL):
        pass
    assert refused.value.response.status_code == 401
    assert 'resource_id="https://webpubsub.azure.com"' in refused.value.response.headers["WWW-Authenticate"]


def test_a_websocket_that_crashes(azcred: Azcred, azcred_emulators: Emulators, token: str) -> None:
    """The client sees an internal error, and the test fails with the traceback."""

    def crash(websocket: WebSocket) -> None:
        raise LookupError(websocket.receive())

    azcred.resource("https://shop.webpubsub.azure.com").websocket("/client/hubs/<hub>", crash)
    headers = {"Authorization": f"Bearer {token}"}
    with websockets.sync.client.connect(URL, additional_headers=headers) as client:
        client.send("hello")
        with pytest.raises(websockets.exceptions.ConnectionClosedError, match="1011"):
            client.recv()
    assert "LookupError: hello" in azcred_emulators.crashes.reports[0]
    azcred_emulators.crashes.clear()


def test_events_arrive_one_by_one(azcred: Azcred, token: str) -> None:
    """As a client of server-sent events reads them."""
    hub = azcred.resource("https://shop.webpubsub.azure.com")
    hub.answer("GET", "/events", events=[{"number": 1}, "[DONE]"])
    with httpx.stream("GET", f"{hub.url}/events", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert [line for line in answer.iter_lines() if line] == ['data: {"number":1}', "data: [DONE]"]
