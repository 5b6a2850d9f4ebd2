"""What each host of managed identity may answer: azure-identity's credential and ours make the same of it.

Errors that azure-identity lets out as they are (of the parser, or of the transport) end a chain as failures do; ours
are failures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from credentials.implementations import Implementation, kind_of

from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.faults import (
    CaptivePortal,
    DockerDesktop,
    ExpiredToken,
    ForeignMetadata,
    MissingField,
    MistypedField,
    NotJson,
    Reset,
    Status,
    Truncate,
    WrongResource,
)
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

pytestmark = pytest.mark.slow

SCOPE = "https://vault.azure.net/.default"
RAW = {
    "AttributeError",
    "ChunkedEncodingError",
    "ConnectionError",
    "DecodeError",
    "IncompleteReadError",
    "JSONDecodeError",
    "KeyError",
    "ServiceResponseError",
    "TypeError",
    "ValueError",
}
BODIES: dict[str, object] = {
    "nothing": "",
    "text": "no",
    "an empty object": {},
    "an error": {"error": "invalid_request", "error_description": "no"},
    "an error with a code": {"error": {"code": "No", "message": "no"}},
    "a message": {"statusCode": 400, "message": "no"},
    "a list": [1],
    "null": "null",
}
FIELDS = ("access_token", "expires_in", "expires_on", "resource", "token_type")
ANSWERS: dict[str, Callable[[], RequestFault]] = {
    **{
        f"{status} with {name}": lambda status=status, body=body: Status(status, body=body)  # type: ignore[misc]
        for status in (200, 204, 401, 500)
        for name, body in BODIES.items()
    },
    **{f"no {name}": lambda name=name: MissingField(name) for name in FIELDS},  # type: ignore[misc]
    "an expiry that is no number": lambda: MistypedField("expires_on", "soon"),
    "another resource": WrongResource,
    "an expired token": ExpiredToken,
    "a page": CaptivePortal,
    "Docker Desktop": DockerDesktop,
    "somebody else's metadata": ForeignMetadata,
    "JSON that was cut off": NotJson,
    "a body that was cut off": Truncate,
    "a connection that was reset": Reset,
}

# What we make of an answer that azure-identity stumbles over, or does not take.
LENIENT = "token"
DIFFERENCES = {
    ("azure-arc", "no expires_in"): LENIENT,  # expires_on says the same
    ("cloud-shell", "no resource"): LENIENT,  # which was in the request
    ("service-fabric", "no token_type"): LENIENT,  # there is but one
    # An error in a form that is not Service Fabric's own is one nevertheless: azure-identity raises AttributeError.
    **{("service-fabric", f"{status} with an error"): "unavailable" for status in (200, 401, 500)},
    ("cloud-shell", "an expiry that is no number"): LENIENT,  # expires_in says the same
    # JSON was announced, and nothing came.
    **{
        ("azure-arc", f"204 with {body}"): "failed"
        for body in ("an empty object", "an error", "an error with a code", "a message", "a list")
    },
}


def statuses(answer: str, entries: Iterable[JournalEntry]) -> list[int | None]:
    """Return the statuses of requests, as far as they are known by the time that the client has given up."""
    unfinished = answer in ("a body that was cut off", "a connection that was reset")
    return [None if unfinished else entry.status for entry in entries]


def outcome(package: Implementation, place: Place, azcred: Azcred, answer: str) -> tuple[str, list[int | None]]:
    """Return what comes of asking, and the statuses of the answers, if every answer is this one."""
    azcred.journal.clear()
    place.faults.add(ANSWERS[answer](), times=9, optional=True)
    credential = package.ManagedIdentityCredential(retry_backoff_factor=0)
    try:
        credential.get_token(SCOPE)
    except Exception as error:
        kind = kind_of(error)
    else:
        kind = "token"
    finally:
        place.faults.clear()
    return "failed" if kind in RAW else kind, statuses(answer, place.requests())


@pytest.mark.parametrize("host", ["app-service", "azure-arc", "cloud-shell", "machine-learning", "service-fabric"])
def test_the_same_is_made_of_each_answer(azcred: Azcred, host: str) -> None:
    """A token, unavailable or failed; after the same requests. What differs on purpose is in the table."""
    place = azcred.environment(host)
    differences: dict[str, object] = {}
    theirs, ours = Implementation("azure-identity"), Implementation("ours")
    for answer in ANSWERS:
        their, our = (outcome(package, place, azcred, answer) for package in (theirs, ours))
        intended = DIFFERENCES.get((host, answer), their[0])
        if our != (intended, their[1]) or (their[0] == our[0]) == ((host, answer) in DIFFERENCES):
            differences[answer] = {"azure-identity": their, "ours": our}
    theirs.close()
    ours.close()
    assert differences == {}
