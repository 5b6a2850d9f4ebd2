"""What became of a provider's request for a token: nine outcomes, each defined by what the journal holds.

They are judged from the emulators' side, whatever SDK asks. A provider that finds out without a request that it is
not available, such as one whose variables are missing, leaves no trace and is not counted.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from azcred_emulators.emulation.journal_entry import JournalEntry

# The links of the chain that ask somebody for a token, in the order in which DefaultAzureCredential tries them.
PROVIDERS = (
    "environment",
    "workload-identity",
    "managed-identity",
    "azure-cli",
    "azure-powershell",
    "azure-developer-cli",
    "interactive-browser",
)
_TOOLS = ("azure-cli", "azure-powershell", "azure-developer-cli")

_THROTTLING = ("90055", "50196")
# A secret, assertion, code, refresh token or session whose time is over.
_EXPIRY = ("7000222", "700024", "70008", "70019", "70043", "700082", "700084", "50173")
_CODE = re.compile(r"AADSTS(\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A way in which a request for a token can end.

    `meaning` is for people. `holds` tells it from an entry of the journal; of the outcomes that hold the first counts.
    `impossible` are the providers to which it cannot happen.
    """

    name: str
    meaning: str
    holds: Callable[[JournalEntry], bool]
    impossible: tuple[str, ...] = ()


def _code(entry: JournalEntry) -> str | None:
    code = _CODE.search(entry.error or "")
    return code[1] if code else None


def _fault_outcome(entry: JournalEntry) -> str | None:
    """Return what the entry's fault makes of the request, None if there was none or the answer tells."""
    if entry.fault is None:
        return None
    from azcred_emulators import faults  # only now: it imports werkzeug, which a run without faults may not need

    kind = getattr(faults, entry.fault, None)  # None for a kind of the test's own
    outcome: str | None = kind.outcome_with(entry.status) if kind else None
    return outcome


def _is_unavailable(entry: JournalEntry) -> bool:
    if _fault_outcome(entry) == "unavailable" or entry.status is None:
        return True
    if entry.command:
        return bool(entry.exit_code) and _code(entry) is None
    if entry.provider == "managed-identity":
        return entry.status >= 500 or entry.status in (400, 404, 405, 410)
    return entry.status >= 500 or entry.status in (404, 405, 410)


def _nobody(_: JournalEntry) -> bool:
    return False


OUTCOMES: Sequence[Outcome] = (
    Outcome("token", "a token was handed out, the test's first of this provider for this resource", _nobody),
    Outcome("refresh", "a token was handed out after an earlier one of the same kind, or for a refresh token", _nobody),
    Outcome(
        "unavailable",
        "there was no identity or no service: a host's 400, any 404, 405, 410 or 5xx, a tool that is not signed in or "
        "crashes, a connection that was reset, or somebody else at the address",
        _is_unavailable,
    ),
    Outcome(
        "denied",
        "the request was refused: another 4xx status, or a tool's error with an AADSTS code",
        lambda entry: not entry.answered,
    ),
    Outcome(
        "throttled",
        "too many requests: status 429, AADSTS90055 or AADSTS50196",
        lambda entry: entry.status == 429 or _code(entry) in _THROTTLING,
        impossible=_TOOLS,
    ),
    Outcome(
        "timed out",
        "no answer came, or the test gave up before it came",
        lambda entry: _fault_outcome(entry) == "timed out",
    ),
    Outcome(
        "malformed",
        "the answer could not be used: it was cut off, no JSON or not what was asked for, or lacked a field",
        lambda entry: _fault_outcome(entry) == "malformed",
    ),
    Outcome(
        "expired",
        "what the app has is too old: a token that had expired before it was handed out, or a secret, assertion, code, "
        "refresh token or session that Entra ID refuses for its age",
        lambda entry: _fault_outcome(entry) == "expired" or _code(entry) in _EXPIRY,
    ),
    Outcome(
        "fell back",
        "the provider got no token, and the next token was handed out to a later link of the chain",
        _nobody,
        impossible=("interactive-browser",),
    ),
)
# From the most to the least particular; `denied` holds for whatever is left without a token.
_JUDGED = ("timed out", "malformed", "expired", "throttled", "unavailable", "denied")
_BY_NAME: Mapping[str, Outcome] = {outcome.name: outcome for outcome in OUTCOMES}

Cell = tuple[str, str]  # a provider and an outcome
CELLS: Sequence[Cell] = tuple(
    (provider, outcome.name) for provider in PROVIDERS for outcome in OUTCOMES if provider not in outcome.impossible
)


def judge(entries: Sequence[JournalEntry]) -> Iterator[Cell]:
    """Yield what became of each request for a token among the entries of one test, in their order."""
    handed_out: set[object] = set()
    without: dict[str, None] = {}  # providers that got no token since the last one was handed out
    browser = False
    for entry in entries:
        provider = entry.provider
        if provider is None and entry.grant == "refresh_token" and browser:
            provider = "interactive-browser"  # msal renews what the browser has brought
        if provider not in PROVIDERS or not _counts(entry):
            continue
        browser = browser or provider == "interactive-browser"
        name = next((name for name in _JUDGED if (provider, name) in CELLS and _applies(name, entry)), None)
        if name is None:
            kind = (provider, entry.tenant, entry.identity, entry.resource)
            renewed = kind in handed_out or entry.grant == "refresh_token"
            yield provider, "refresh" if renewed else "token"
            handed_out.add(kind)
            for earlier in without:
                if PROVIDERS.index(earlier) < PROVIDERS.index(provider):
                    yield earlier, "fell back"
            without.clear()
        else:
            yield provider, name
            without[provider] = None


def _counts(entry: JournalEntry) -> bool:
    """Tell whether an entry is a request for a token, or would have been one but for a fault.

    Clients find out by other requests whether a host is there; its usual answer to these says nothing.
    """
    if entry.operation == "token":
        return entry.status is not None or entry.fault is not None
    return entry.fault is not None


def _applies(name: str, entry: JournalEntry) -> bool:
    unusable = _fault_outcome(entry) in ("timed out", "malformed", "expired")
    return (unusable or not entry.answered) and _BY_NAME[name].holds(entry)
