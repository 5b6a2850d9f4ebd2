"""Requests go on to Azurite as they are: names as they were written, and data of any size."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from tempfile import TemporaryFile

import pytest
import requests

from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite

URL = "https://myaccount.blob.core.windows.net"
NAMES = ["a//b", "a%2Fb", "a+b", "%C3%A4%20%25", "a%3Fb", "..%2e/x", "%27(x)!*"]


@pytest.fixture
def session(azcred: Azcred, azurite: Azurite) -> Iterator[requests.Session]:
    """A client without any knowledge of storage, with a token, and a container for it."""
    azcred.environment("app-service")
    token = azcred.tokens.mint({"aud": "https://storage.azure.com", "oid": "o"}).value
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {token}", "x-ms-version": "2021-12-02"})
        assert session.put(f"{URL}/raw?restype=container").status_code == 201
        yield session


def put(session: requests.Session, name: str, data: object) -> requests.Response:
    return session.put(f"{URL}/raw/{name}", data=data, headers={"x-ms-blob-type": "BlockBlob"})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_names(session: requests.Session, name: str) -> None:
    """Each is a blob of its own, which is found by the same name."""
    request = requests.Request("PUT", URL, data=name, headers={**session.headers, "x-ms-blob-type": "BlockBlob"})
    prepared = request.prepare()
    prepared.url = f"{URL}/raw/{name}"
    assert session.send(prepared).status_code == 201
    prepared.method, prepared.body = "GET", None
    del prepared.headers["Content-Length"]
    answer = session.send(prepared)
    assert (answer.status_code, answer.text) == (200, name)


def test_large_data_is_not_held(azcred: Azcred, session: requests.Session) -> None:
    """24 MiB, up as they are read from a file, and down again; with no length they are refused, as Storage does."""
    megabyte = bytes(range(256)) * 4096
    digest = hashlib.sha256(megabyte * 24).hexdigest()
    tracemalloc.start()
    with TemporaryFile() as file:
        file.writelines([megabyte] * 24)
        file.seek(0)
        assert put(session, "large", file).status_code == 201
    answer = session.get(f"{URL}/raw/large", stream=True)
    got = hashlib.sha256()
    for piece in answer.iter_content(65536):
        got.update(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert got.hexdigest() == digest
    assert answer.headers["Content-Length"] == str(24 * len(megabyte))
    assert peak < 8 * len(megabyte)
    for size in (1, 8):
        assert put(session, "chunks", (megabyte[:1000] for _ in range(1000 * size))).status_code == 400
    assert [entry.status for entry in azcred.journal.requests(emulator="storage")] == [201, 201, 200, 400, 400]


def test_answers_without_a_body(session: requests.Session) -> None:
    """The connection is good for the next request."""
    put(session, "1", b"one")
    for _ in range(3):
        head = session.head(f"{URL}/raw/1")
        assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "3", b"")
        missing = session.head(f"{URL}/raw/2")
        assert (missing.status_code, missing.headers["x-ms-error-code"]) == (404, "BlobNotFound")
        assert session.get(f"{URL}/raw/1", headers={"If-None-Match": head.headers["ETag"]}).status_code == 304
        assert session.get(f"{URL}/raw/1").content == b"one"


def test_what_is_anonymous_is_azurite_s_to_judge(session: requests.Session) -> None:
    """A public container is read by everybody, any other by nobody."""
    put(session, "1", b"one")
    assert requests.get(f"{URL}/raw/1").status_code in (401, 403, 404)
    policy = {"x-ms-blob-public-access": "blob"}
    assert session.put(f"{URL}/public?restype=container", headers=policy).status_code == 201
    session.put(f"{URL}/public/1", data=b"one", headers={"x-ms-blob-type": "BlockBlob"})
    assert requests.get(f"{URL}/public/1").content == b"one"


def test_a_body_that_is_no_form(session: requests.Session) -> None:
    """Even if a client says so, as curl does: it is data."""
    headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/x-www-form-urlencoded"}
    assert session.put(f"{URL}/raw/1", data=b"resource=x", headers=headers).status_code == 201
    assert session.get(f"{URL}/raw/1").content == b"resource=x"
