"""How hosts refuse: the problems that a request can have, and the row that each has in a host's table."""

from dataclasses import dataclass
from enum import Enum
from string import Formatter

_PLACEHOLDERS = frozenset({"resource", "tenant", "version"})


class Problem(Enum):
    """Why a host hands out no token; the value is the name that the fault `Refuse` takes."""

    METADATA_HEADER = "metadata-header"  # `Metadata: true` is missing
    FORWARDED = "forwarded"
    SECRET = "secret"  # the header with the host's secret is missing or wrong
    VERSION = "version"
    NO_RESOURCE = "no-resource"
    UNKNOWN_RESOURCE = "unknown-resource"
    SELECTOR = "selector"  # the host has one identity, or cannot find it by what the request names
    SEVERAL_IDENTITIES = "several-identities"  # none was named, and the host cannot decide
    NO_IDENTITY = "no-identity"  # none was named, and none is assigned
    IDENTITY_NOT_FOUND = "identity-not-found"  # the named one is not assigned
    CHALLENGE = "challenge"  # the client has yet to prove that it may ask
    THROTTLED = "throttled"  # too many requests in a short time
    PATH = "path"
    METHOD = "method"
    MALFORMED = "malformed"


class HostError(Exception):
    """A request that gets no token."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a host answers to a problem: HTTP status, error code and message.

    The message may hold `{resource}`, `{tenant}` and `{version}`.
    """

    status: int
    code: str
    message: str

    def __post_init__(self) -> None:
        for unknown in {name for _, name, _, _ in Formatter().parse(self.message) if name is not None} - _PLACEHOLDERS:
            raise ValueError(f"the message of a refusal cannot hold {{{unknown}}}: {self.message!r}")
