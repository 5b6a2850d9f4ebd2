"""What each kind of fault is to a client: symptoms, how often they are tried again, and what the app sees.

The outcomes are azure-identity 1.27's with msal 1.39, and our own chain's. "Unavailable" lets a chain go on to its next
provider, everything else ends it.
"""

from __future__ import annotations

from dataclasses import dataclass

from azcred_emulators.emulation.fault import RequestFault
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
    RefusedPort,
    Reset,
    Slow,
    Status,
    Throttle,
    TlsFailure,
    Truncate,
    WrongResource,
)

CLIENTS = {"sync": "azure.identity", "aio": "azure.identity.aio", "ours": "pytest_azcred.credentials"}
PLACES = {
    "virtual-machine": "ManagedIdentityCredential",
    "app-service": "ManagedIdentityCredential",
    "machine-learning": "ManagedIdentityCredential",
    "azure-arc": "ManagedIdentityCredential",
    "service-fabric": "ManagedIdentityCredential",
    "cloud-shell": "ManagedIdentityCredential",
    "kubernetes": "WorkloadIdentityCredential",
    "developer-service-principal": "EnvironmentCredential",
}

# What the app sees, one column for each of the places above, in each of these a letter for each of the clients:
# a Token, credential Unavailable, authentication Failed, or an eXception that azure-core does not know.
OUTCOMES = {
    "harmless": "TTT TTT TTT TTT TTT TTT TTT TTT",
    "refused": "UFU UFU UFU UFU XFU FFF FFF FFF",
    "refused with 400": "UUU UFU UFU UFU XFU FFF FFF FFF",
    "own shape": "UFU UFU XUF UFU UFU FFF FFF FFF",
    "own shape with 400": "UUU UFU XUF UFU UFU FFF FFF FFF",
    "text": "UUU XUF XUF UUF XUF UUU FFF FFF",
    "broken JSON": "FFF XFF XFF XFF XFF FFF XXF FXF",
    "no access_token": "UFU UFU UFU UFU UFU FFF XXF FXF",
    "no resource": "TUT TXT TXT TXT TXT XXT TTT TTT",
    "no expires_in": "UTT TTT TTT UTT TTT TTT FFF FFF",
    "no expires_on": "TTT UFU UFU TTT UFU TTT TTT TTT",
    "mistyped expires_in": "UUU TXT TXT XXT TXT XXT XXF FXF",
    "mistyped expires_on": "TUT XXF XXF TXT XXF XXT XXT FXT",
    "silence": "UUU XXF XXF XXF XXF XXF XXF FXF",
    "no connection": "UUU XXF XXF XXF XXF XXF XXF FXF",
    "cut off": "FFF XXF XXF XXF XXF XXF XXF FXF",
}


@dataclass(frozen=True)
class Example:
    """A fault, what it looks like to a client, and its HTTP status if that matters."""

    fault: RequestFault
    symptom: str
    status: int = 200
    after: bool = False  # whether it says when to come back


EXAMPLES = [
    Example(Status(500), "refused", 500),
    Example(Status(503, retry_after=1), "refused", 503, after=True),
    Example(Status(400), "refused with 400", 400),
    Example(Status(401), "refused", 401),
    Example(Status(403), "refused", 403),
    Example(IdentityNotFound(), "refused with 400", 400),
    Example(Gone(), "refused", 410),
    Example(Throttle(), "own shape", 429),
    Example(Throttle(2), "own shape", 429, after=True),
    Example(Refuse("malformed"), "own shape with 400", 400),
    Example(Refuse("AADSTS7000215"), "own shape", 401),
    Example(DockerDesktop(), "text", 403),
    Example(CaptivePortal(), "text", 200),
    Example(ForeignMetadata(401), "text", 401),
    Example(ForeignMetadata(404), "text", 404),
    Example(NotJson(), "broken JSON"),
    Example(MissingField("access_token"), "no access_token"),
    Example(MissingField("resource"), "no resource"),
    Example(MissingField("expires_in"), "no expires_in"),
    Example(MissingField("expires_on"), "no expires_on"),
    Example(MistypedField("expires_in", "soon"), "mistyped expires_in"),
    Example(MistypedField("expires_on", "soon"), "mistyped expires_on"),
    Example(ExpiredToken(), "harmless"),
    Example(WrongResource(), "harmless"),
    Example(Slow(0.01), "harmless"),
    Example(Drip(0.01), "harmless"),
    Example(Hang(0.01), "silence"),
    Example(Hang(0.01, in_body=True), "cut off"),
    Example(Reset(), "silence"),
    Example(Reset(in_body=True), "cut off"),
    Example(Truncate(), "cut off"),
    Example(RefusedPort(), "no connection"),
    Example(TlsFailure(), "no connection"),
]
_AT_AUTHORITY = ("kubernetes", "developer-service-principal")


def cases() -> list[tuple[str, Example, str]]:
    """Return every place, fault and client that go together."""
    return [
        (place, example, client)
        for place in PLACES
        for example in EXAMPLES
        for client in CLIENTS
        if _is_possible(example.fault, at_authority=place in _AT_AUTHORITY)
    ]


def _is_possible(fault: RequestFault, *, at_authority: bool) -> bool:
    if isinstance(fault, TlsFailure):
        return at_authority  # where there is TLS, and every client verifies it
    return not isinstance(fault, Refuse) or fault.name.startswith("AADSTS") == at_authority


def outcome(place: str, example: Example, client: str) -> str:
    """Return the letter for what the app sees of a fault that lasts."""
    return OUTCOMES[example.symptom].split()[list(PLACES).index(place)][list(CLIENTS).index(client)]


def outcome_of_one(place: str, example: Example, client: str) -> str:
    """Return the letter for what the app sees of a fault that happens once."""
    if tries(place, example, client) == 1:
        return outcome(place, example, client)
    if place == "azure-arc" and example.symptom == "cut off" and client != "aio":
        return "U"  # the key was good for the request that was cut off, and they do not ask for another
    return "T"


def tries(place: str, example: Example, client: str) -> int:
    """Return how often the client asks while the fault lasts."""
    if place == "service-fabric" and client != "aio":
        return 1  # msal and our chain ask without azure-core's pipeline, for its certificate's sake
    if place == "virtual-machine":
        again = example.status in (404, 410, 429) or example.status >= 500
        return {"silence": 4, "no connection": 4, "cut off": 6}.get(example.symptom, 6 if again else 1)
    if example.symptom in ("silence", "no connection", "cut off"):
        return 4
    return 4 if example.after or example.status in (408, 429, 500, 502, 503, 504) else 1
