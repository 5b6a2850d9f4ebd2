"""What a client without retries gets when a fault applies to its request, and what the journal says of it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import jwt
import pytest

from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import (
    CaptivePortal,
    DockerDesktop,
    Drip,
    ExpiredToken,
    ForeignMetadata,
    Gone,
    Hang,
    IdentityNotFound,
    MissingField,
    MistypedField,
    NotJson,
    Refuse,
    Reset,
    Slow,
    Status,
    Throttle,
    Truncate,
    WrongResource,
)
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

VAULT = "https://vault.azure.net"
PATH = f"/metadata/identity/oauth2/token?api-version=2018-02-01&resource={VAULT}"

Ask = Callable[[], http.client.HTTPResponse]


@pytest.fixture
def connection(fake_managed_identity: Place) -> Iterator[http.client.HTTPConnection]:
    """A connection to IMDS."""
    connection = http.client.HTTPConnection("169.254.169.254", timeout=10)
    yield connection
    connection.close()


@pytest.fixture
def ask(connection: http.client.HTTPConnection) -> Ask:
    """Ask for a token on the connection."""

    def request() -> http.client.HTTPResponse:
        connection.request("GET", PATH, headers={"Metadata": "true"})
        return connection.getresponse()

    return request


ANSWERS: list[tuple[RequestFault, int, str, str]] = [
    (Status(503), 503, "application/json; charset=utf-8", '{"error":"service_unavailable",'),
    (Status(418, body="teapot"), 418, "text/plain; charset=utf-8", "teapot"),
    (Status(299, body=[1]), 299, "application/json; charset=utf-8", "[1]"),
    (Status(599, body="<b/>", content_type="text/xml"), 599, "text/xml", "<b/>"),
    (IdentityNotFound(), 400, "application/json; charset=utf-8", '"Identity not found"}'),
    (Gone(), 410, "application/json; charset=utf-8", '{"error":"gone",'),
    (Throttle(), 429, "application/json; charset=utf-8", "Temporarily throttled"),
    (Refuse("several-identities"), 400, "application/json; charset=utf-8", "Multiple user assigned identities"),
    (DockerDesktop(), 403, "text/plain; charset=utf-8", "unreachable network"),
    (CaptivePortal(), 200, "text/html; charset=utf-8", "<!DOCTYPE html>"),
    (ForeignMetadata(401), 401, "text/html", "401 - Unauthorized"),
    (ForeignMetadata(), 404, "text/html", "404 - Not Found"),
    (NotJson("oops"), 200, "application/json; charset=utf-8", "oops"),
]


@pytest.mark.parametrize(("fault", "status", "content_type", "text"), ANSWERS, ids=[repr(one[0]) for one in ANSWERS])
def test_an_answer_in_place_of_the_genuine_one(
    ask: Ask, fake_managed_identity: Place, fault: RequestFault, status: int, content_type: str, text: str
) -> None:
    """Once; the next request, on the same connection, is answered as ever. The journal names the fault."""
    fake_managed_identity.faults.add(fault)
    answer = ask()
    assert (answer.status, answer.headers["Content-Type"]) == (status, content_type)
    assert text in answer.read().decode()
    assert ask().read().startswith(b'{"access_token":')
    first, second = fake_managed_identity.requests()
    assert (first.fault, first.status, first.resource) == (type(fault).__name__, status, VAULT)
    assert (second.fault, second.status) == (None, 200)


def test_headers_of_an_answer(ask: Ask, fake_managed_identity: Place) -> None:
    """Those that throttling brings, as a duration or as a date, and any other."""
    fake_managed_identity.faults.add(Status(429, retry_after=7, headers={"x-ms-request-id": "1"}))
    fake_managed_identity.faults.add(Status(429, retry_after="Fri, 31 Dec 1999 23:59:59 GMT"), Throttle(3))
    fake_managed_identity.faults.add(Status(429, retry_after=timedelta(minutes=1)), Throttle("5 min"))
    headers = []
    for _ in range(5):
        answer = ask()
        answer.read()
        headers.append((answer.headers["Retry-After"], answer.headers["x-ms-request-id"]))
    values = ["7", "Fri, 31 Dec 1999 23:59:59 GMT", "3", "60", "300"]
    assert headers == [(value, "1" if value == "7" else None) for value in values]


def test_a_body_that_is_wrong(ask: Ask, fake_managed_identity: Place) -> None:
    """Everything else in it is genuine."""
    fake_managed_identity.faults.add(MissingField("resource"), MistypedField("expires_on", "soon"), NotJson())
    missing, mistyped = json.load(ask()), json.load(ask())
    genuine = b""
    with pytest.raises(json.JSONDecodeError):
        json.loads(genuine := ask().read())
    assert "resource" not in missing
    assert mistyped.pop("expires_on") == "soon"
    assert json.loads(genuine + b"}").keys() == mistyped.keys() | {"expires_on"} == missing.keys() | {"resource"}


def test_a_token_that_is_wrong(ask: Ask, fake_managed_identity: Place, azcred: Azcred) -> None:
    """It is signed as genuine, so that only what is wrong with it can be what a service refuses."""
    fake_managed_identity.faults.add(ExpiredToken(60), WrongResource("https://storage.azure.com"))
    expired, wrong = json.load(ask()), json.load(ask())
    now = time.time()
    assert int(expired["expires_on"]) == pytest.approx(now - 60, abs=5)
    assert expired["expires_in"] == "-60"
    with pytest.raises(Exception, match="expired"):
        azcred.tokens.check(expired["access_token"], audiences=[VAULT])
    assert wrong["resource"] == "https://storage.azure.com"
    assert azcred.tokens.check(wrong["access_token"], audiences=["https://storage.azure.com"])
    assert jwt.decode(wrong["access_token"], options={"verify_signature": False})["appid"] == (
        fake_managed_identity.requests()[-1].client_id
    )


def test_answers_that_are_late(ask: Ask, fake_managed_identity: Place) -> None:
    """All at once, or bit by bit; they are genuine."""
    fake_managed_identity.faults.add(Slow(0.05), Drip(0.05, pieces=5))
    for _ in range(2):
        started = time.perf_counter()
        assert json.load(ask())["resource"] == VAULT
        assert time.perf_counter() - started >= 0.05


def test_answers_that_never_come(ask: Ask, fake_managed_identity: Place) -> None:
    """The connection closes after a while, with nothing or with half of the body sent."""
    fake_managed_identity.faults.add(Hang(0.05), Hang(0.05, in_body=True))
    with pytest.raises(http.client.RemoteDisconnected):
        ask()
    answer = ask()
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    requests = fake_managed_identity.requests()
    assert [(entry.fault, entry.status) for entry in requests] == [("Hang", None), ("Hang", 200)]
    assert "no answer (fault Hang)" in str(requests[0])


def test_connections_that_break(ask: Ask, connection: http.client.HTTPConnection, fake_managed_identity: Place) -> None:
    """By a reset, or by an end that comes too early."""
    fake_managed_identity.faults.add(Reset(), Reset(in_body=True), Truncate())
    with pytest.raises(ConnectionResetError):
        ask()
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        ask().read()
    connection.close()
    with pytest.raises(http.client.IncompleteRead):
        ask().read()
    assert fake_managed_identity.statuses == [None, 200, 200]


@pytest.mark.parametrize("in_body", [False, True])
def test_a_hang_ends_with_the_test(azcred_emulators: Emulators, in_body: bool) -> None:
    """Without a wait: the reset between tests ends it."""
    azcred_emulators.hosts["imds"].faults.add(Hang(in_body=in_body))
    connection = http.client.HTTPConnection(*azcred_emulators.http.address, timeout=10)
    connection.request("GET", PATH, headers={"Metadata": "true", "Host": "169.254.169.254"})
    answer = connection.getresponse() if in_body else None
    while not azcred_emulators.journal.requests(fault="Hang"):
        pass
    azcred_emulators.reset()
    with pytest.raises((http.client.RemoteDisconnected, http.client.IncompleteRead)):
        (answer or connection.getresponse()).read()
    connection.close()


def test_stopping_does_not_wait_for_a_hang() -> None:
    """Nor does the end of the run."""
    with Emulators() as emulators:
        emulators.hosts["imds"].faults.add(Hang())
        connection = http.client.HTTPConnection(*emulators.http.address, timeout=10)
        connection.request("GET", PATH, headers={"Metadata": "true", "Host": "169.254.169.254"})
        while not emulators.journal.requests(fault="Hang"):
            pass
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
