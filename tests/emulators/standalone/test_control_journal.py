"""The journal of a server: chosen entries, waiting for requests, and assertions for tests in other languages."""

import threading

import pytest
from support.standalone import managed_identity_token

from azcred_emulators.standalone.control.client import ControlClient, ServerError


@pytest.fixture
def asked(client: ControlClient) -> ControlClient:
    """A server that has answered a refused request and two good ones."""
    client.post("/faults", {"emulator": "imds", "kind": "Status", "code": 429})
    for _ in range(3):
        managed_identity_token(client.url)
    return client


def test_entries_are_chosen(asked: ControlClient) -> None:
    """By their fields, their number, their time and how many are wanted."""

    def numbers(**query: object) -> list[int]:
        return [entry["number"] for entry in asked.get("/journal", **query)["entries"]]

    assert numbers() == [1, 2, 3]
    assert numbers(provider="managed-identity", host="imds", status=200) == [2, 3]
    assert numbers(status=429) == [1]
    assert numbers(after=1, limit=1) == [2]
    assert numbers(since="2000-01-01T00:00:00Z", operation="token") == [1, 2, 3]
    assert numbers(since=asked.get("/clock")["now"] + 60) == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"provider": "managed-idntity"}, "there is no provider 'managed-idntity'; did you mean 'managed-identity'"),
        ({"status": "ok"}, "the status of a request is a whole number or None, not 'ok'"),
        ({"resource": "https://vault.azure.net/.default"}, "a resource has no scope's suffix"),
        ({"since": "yesterday"}, "a moment is epoch seconds or ISO 8601"),
        ({"limit": "-1"}, "the parameter 'limit' must be a number"),
        ({"wait": 1, "timeout": 61}, "the parameter 'timeout' is at most 60 seconds"),
        ({"wait": 9, "timeout": 0}, "3 of 9 such requests had come after 0 seconds"),
    ],
)
def test_a_query_that_nothing_answers(asked: ControlClient, query: dict[str, object], reason: str) -> None:
    """It is refused rather than empty."""
    with pytest.raises(ServerError) as refused:
        asked.get("/journal", **query)
    assert reason in str(refused.value)


def test_requests_are_waited_for(client: ControlClient) -> None:
    """Until so many have been answered."""
    asking = threading.Timer(0.1, lambda: [managed_identity_token(client.url) for _ in range(2)])
    asking.start()
    entries = client.get("/journal", wait=2, host="imds", timeout=20)["entries"]
    asking.join()
    assert [entry["status"] for entry in entries] == [200, 200]


@pytest.mark.parametrize(
    "assertion",
    [
        {"requests": {"host": "imds"}, "times": 3},
        {"requests": {"status": 500}, "times": 0},
        {"tokens": {"resource": "https://vault.azure.net"}},
        {"providers": ["managed-identity"]},
    ],
)
def test_assertions_that_hold(asked: ControlClient, assertion: dict[str, object]) -> None:
    """They are those of the journal in Python."""
    assert asked.post("/journal/assertions", assertion) == {"holds": True}


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ({"tokens": {"host": "imds"}, "times": 3}, "azcred: expected 3 tokens for host='imds', got 2."),
        ({"providers": []}, "expected requests of the providers none, got managed-identity"),
        ({"requests": {"hots": "imds"}}, "journal entries have no field 'hots'; did you mean 'host'?"),
        ({"requests": {}, "tokens": {}}, "an assertion is about one of 'requests', 'tokens' and 'providers'"),
        ({}, "an assertion is about one of"),
        ({"providers": ["environment"], "times": 1}, "'times' counts requests or tokens, not providers"),
        ({"requests": {}, "times": -1}, "times is a whole number of 0 or more, not -1"),
    ],
)
def test_assertions_that_do_not_hold(asked: ControlClient, assertion: dict[str, object], reason: str) -> None:
    """The answer is an error with the same message, and every request."""
    with pytest.raises(ServerError) as refused:
        asked.post("/journal/assertions", assertion)
    assert reason in str(refused.value)
