"""Where our chain differs from azure-identity's on purpose, and why. Anything else that differs is a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from oracle.runs import Run, Seen
from oracle.situations import DOMAIN, HOSTS, TOOLS, Call, Fault, Situation

from azcred_emulators.directory import contoso
from azcred_emulators.faults import (
    CaptivePortal,
    DockerDesktop,
    ForeignMetadata,
    MissingField,
    NotJson,
    Status,
    Throttle,
)

Theirs = Callable[[Situation], Run]
"""What azure-identity does in a situation."""
Reconcile = Callable[[Situation, Run, Run, Theirs], Run]


@dataclass(frozen=True)
class Difference:
    """Something that we do otherwise.

    `reconcile` takes the situation, what azure-identity did, what we did, and how to find out what azure-identity
    does in another situation. It returns what azure-identity would have done without this difference; where the
    situation has nothing to do with it, that is what it did. `examples` are situations in which it shows.
    """

    name: str
    reason: str
    reconcile: Reconcile
    examples: tuple[Situation, ...]


def reconciled(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    """What azure-identity would have done without any of the differences."""
    for difference in DIFFERENCES:
        theirs = difference.reconcile(situation, theirs, ours, ask)
    return theirs


def _from(number: int, theirs: Run, ours: Run) -> Run:
    """Theirs, but from this call on ours."""
    return replace(theirs, calls=theirs.calls[:number] + ours.calls[number:], winner=ours.winner)


def _both(theirs: Run, ours: Run) -> Iterable[tuple[int, Seen, Seen]]:
    """The calls that differ."""
    pairs = zip(theirs.calls, ours.calls, strict=False)
    return [(number, *pair) for number, pair in enumerate(pairs) if pair[0] != pair[1]]


def _without(situation: Situation, *variables: str) -> Situation:
    return replace(situation, variables={**situation.variables, **dict.fromkeys(variables)})


def _empty_authority(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    if situation.variables.get("AZURE_AUTHORITY_HOST") != "":
        return theirs
    return ask(_without(situation, "AZURE_AUTHORITY_HOST"))


def _authority_for_all(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    authority = situation.keywords.get("authority")
    if not authority or theirs == ours:  # both may have refused the variable when the chain was made
        return theirs
    return ask(replace(situation, variables={**situation.variables, "AZURE_AUTHORITY_HOST": authority}))


_FOUND_OUT_BY_ENTRA_ID = {
    ("AZURE_CLIENT_ID", ""): "EnvironmentCredential",
    ("AZURE_TENANT_ID", "not a tenant"): "WorkloadIdentityCredential",
}


def _mistaken_variable(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    for (name, value), link in _FOUND_OUT_BY_ENTRA_ID.items():
        found_out = all(call.outcome == "failed" and call.attempted[-1:] == (link,) for call in theirs.calls)
        # Beside a host of its own, whose identity needs no tenant, the link is unavailable, and the host has its turn.
        passed_over = link == "WorkloadIdentityCredential" and all(link in call.attempted[:-1] for call in ours.calls)
        noticed = ours.construction == "ValueError" or passed_over
        if situation.variables.get(name) == value and noticed and found_out:
            return ours
    return theirs


def _mistaken_call(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    *others, last = situation.calls
    mistaken = last.scopes in ((), ("not a scope",)) or last.options.get("tenant_id") == "not a tenant"
    if theirs.construction or ours.construction or not mistaken:
        return theirs
    winner = theirs.winner if any(call.outcome == "token" for call in theirs.calls[: len(others)]) else None
    return replace(theirs, calls=(*theirs.calls[: len(others)], Seen("ValueError")), winner=winner)


_NOT_IMDS = (CaptivePortal, DockerDesktop, ForeignMetadata, NotJson)


def _is_plainly_not_imds(fault: Fault) -> bool:
    return fault.at == "imds" and (
        isinstance(fault.fault, _NOT_IMDS) or fault.fault in (Status(404), MissingField("access_token"))
    )


def _not_imds(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    if not any(map(_is_plainly_not_imds, situation.faults)):
        return theirs
    for number, their, our in _both(theirs, ours):
        asked, left = _to_imds(their), _to_imds(our)
        if left and asked != left and asked[: len(left)] == left:
            return _from(number, theirs, ours)
    return theirs


def _to_imds(call: Seen) -> tuple[str, ...]:
    return tuple(line for line in call.requests if "169.254.169.254" in line)


def _throttled(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    hosts = {HOSTS[name] for name in situation.environments if name in HOSTS} - {"imds"}
    if not any(fault.at in hosts for fault in situation.faults):
        return theirs
    for number, their, our in _both(theirs, ours):
        before = theirs.calls[number - 1].requests if number else ()
        refused = any(line.endswith(("-> 429", "-> 500", "-> 503")) for line in before)
        if refused and not their.requests and our.requests:
            return _from(number, theirs, ours)
    return theirs


def _stopped(their: Seen, our: Seen, link: str) -> bool:
    """Tell whether their chain ended with a failure of this link, and ours asked the same until then."""
    same = our.requests[: len(their.requests)] == their.requests
    return same and their.outcome == "failed" and their.attempted[-1:] == (link,)


def _service_fabric(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    if not any(fault.at == "service-fabric" for fault in situation.faults):
        return theirs
    for number, their, our in _both(theirs, ours):
        if _stopped(their, our, "ManagedIdentityCredential") and our.attempted != their.attempted:
            return _from(number, theirs, ours)
    return theirs


_ONE_TENANT = "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"
_TOOLS = tuple(f"{tool} " for tool in TOOLS.values())


def _tenant(situation: Situation, call: Call) -> str | None:
    """The tenant that a call's token is for, if it is not the tool's own."""
    return None if situation.variables.get(_ONE_TENANT) else call.options.get("tenant_id")


def _tools(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    for number, their, our in _both(theirs, ours):
        call = situation.calls[number]
        earlier = [
            ours.calls[index]
            for index, other in enumerate(situation.calls[:number])
            if (other.scopes, _tenant(situation, other)) == (call.scopes, _tenant(situation, call))
        ]
        known = any((one.outcome, one.identity) == ("token", our.identity) for one in earlier)
        spawned = [line for line in their.requests if line.startswith(_TOOLS)]
        if not (known and spawned and our.outcome == "token" and not our.requests and not call.options.get("claims")):
            continue
        if any(fault.at in TOOLS.values() for fault in situation.faults):
            return _from(number, theirs, ours)  # the fault that met theirs is still to come
        theirs = replace(theirs, calls=(*theirs.calls[:number], our, *theirs.calls[number + 1 :]))
    return theirs


def _no_token_file(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    if situation.variables.get("AZURE_FEDERATED_TOKEN_FILE") != "/nonexistent":
        return theirs
    for number, their, our in _both(theirs, ours):
        if _stopped(their, our, "WorkloadIdentityCredential"):
            return _from(number, theirs, ours)
    return theirs


def _one_request_more(their: Seen, our: Seen) -> bool:
    """Tell whether all that differs is that we asked Entra ID for one more token."""
    added = our.requests[len(their.requests) :]
    same = (their.outcome, their.identity) == (our.outcome, our.identity)
    return same and len(added) == 1 and "/oauth2/v2.0/token token " in added[0]


def _tenant_under_another_name(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    for number, their, our in _both(theirs, ours):
        if _tenant(situation, situation.calls[number]) and _one_request_more(their, our):
            theirs = _with(our, number, situation, theirs, ours)
    return theirs


def _renewals(situation: Situation, theirs: Run, ours: Run, ask: Theirs) -> Run:
    for number, their, our in _both(theirs, ours):
        another = number and not situation.calls[number].hours_later and theirs.calls[number - 1].requests
        if another and not their.requests and _one_request_more(their, our):
            theirs = _with(our, number, situation, theirs, ours)
    return theirs


def _with(our: Seen, number: int, situation: Situation, theirs: Run, ours: Run) -> Run:
    """Theirs, but with our call of this number; from there on ours if a fault that befell ours is still to come."""
    if any(fault.at == "authority" for fault in situation.faults):
        return _from(number, theirs, ours)
    return replace(theirs, calls=(*theirs.calls[:number], our, *theirs.calls[number + 1 :]))


DIFFERENCES = (
    Difference(
        "a tenant under another name",
        "The tokens of a tenant's id and of its domain name are kept apart; azure-identity finds the one by the other, "
        "for the credentials that msal implements.",
        _tenant_under_another_name,
        (
            Situation(
                ("on-premises-secret",),
                keywords={"additionally_allowed_tenants": ["*"]},
                calls=(Call(), Call(options={"tenant_id": DOMAIN})),
            ),
            Situation(
                ("on-premises-secret",),
                {"AZURE_TENANT_ID": DOMAIN},
                keywords={"additionally_allowed_tenants": ["*"]},
                calls=(Call(), Call(options={"tenant_id": contoso.TENANT.id})),
            ),
        ),
    ),
    Difference(
        "renewals",
        "Each token is renewed when its time has come; azure-identity renews none within 30 s of the credential's last "
        "request, whichever token that was for.",
        _renewals,
        (
            Situation(
                ("kubernetes",),
                calls=(
                    Call(options={"enable_cae": True}),
                    Call(hours_later=13),
                    Call(options={"enable_cae": True}),
                ),
            ),
        ),
    ),
    Difference(
        "no token file",
        "Without the file of its token workload identity is unavailable, and the next link has its turn; "
        "azure-identity stumbles over the missing file, and that ends the chain.",
        _no_token_file,
        (
            Situation(("kubernetes",), {"AZURE_FEDERATED_TOKEN_FILE": "/nonexistent"}),
            Situation(("kubernetes", "developer-azure-cli"), {"AZURE_FEDERATED_TOKEN_FILE": "/nonexistent"}),
        ),
    ),
    Difference(
        "empty authority host",
        "An AZURE_AUTHORITY_HOST that is set to nothing is as good as none; azure-identity asks https:///.",
        _empty_authority,
        (
            Situation(("developer-service-principal",), {"AZURE_AUTHORITY_HOST": ""}),
            Situation(("kubernetes",), {"AZURE_AUTHORITY_HOST": ""}),
        ),
    ),
    Difference(
        "authority for every link",
        "The chain's authority is that of every link which asks Entra ID; azure-identity gives it to some.",
        _authority_for_all,
        (Situation(("kubernetes",), keywords={"authority": "https://login.microsoftonline.us"}),),
    ),
    Difference(
        "mistaken variable",
        "An empty client id or a malformed tenant is noticed when the chain is made, whichever credential it is for; "
        "azure-identity lets Entra ID find out about a certificate's client id and workload identity's tenant.",
        _mistaken_variable,
        (
            Situation(("on-premises-certificate",), {"AZURE_CLIENT_ID": ""}),
            Situation(("kubernetes",), {"AZURE_TENANT_ID": "not a tenant"}),
            Situation(("app-service", "kubernetes"), {"AZURE_TENANT_ID": "not a tenant"}),
        ),
    ),
    Difference(
        "mistaken call",
        "A malformed scope or tenant is the caller's mistake wherever the app runs: a ValueError, and nobody is "
        "asked. In azure-identity it is a failure of the first link that notices, or a request.",
        _mistaken_call,
        (
            Situation(("developer-service-principal",), calls=(Call(("not a scope",)),)),
            Situation(("virtual-machine",), calls=(Call(options={"tenant_id": "not a tenant"}),)),
        ),
    ),
    Difference(
        "not IMDS",
        "What is plainly not IMDS (a 404, a page, JSON of another shape) is left at once, since others wait for their "
        "turn; azure-identity asks it again for up to 24 s.",
        _not_imds,
        (
            *(
                Situation(("virtual-machine",), faults=(Fault("imds", fault, 7),))
                for fault in (CaptivePortal(), DockerDesktop(), ForeignMetadata(404), NotJson(), Status(404))
            ),
            Situation(("virtual-machine", "developer-azure-cli"), faults=(Fault("imds", NotJson(), 2),)),
        ),
    ),
    Difference(
        "hosts that refuse for the moment",
        "A host that answers 429 or 5xx is asked again at the next call; msal repeats its answer from memory.",
        _throttled,
        (
            Situation(
                ("container-apps",),
                faults=(Fault("container-apps", Status(503, body=""), 7), Fault("container-apps", Throttle(3), 3)),
                calls=(Call(), Call()),
            ),
        ),
    ),
    Difference(
        "Service Fabric's errors",
        "An error in another shape than Service Fabric's own makes it unavailable, as on every host; azure-identity "
        "stumbles over it, and that ends the chain.",
        _service_fabric,
        (Situation(("service-fabric", "developer-azure-cli"), faults=(Fault("service-fabric", Status(500)),)),),
    ),
    Difference(
        "tokens of developer's tools",
        "A tool is run when there is no token at hand; azure-identity runs it at every call.",
        _tools,
        (
            *(Situation((environment,), calls=(Call(), Call())) for environment in TOOLS),
            Situation(
                ("developer-azure-cli",),
                {_ONE_TENANT: "1"},
                calls=(Call(), Call(options={"tenant_id": contoso.TENANT.id})),
            ),
        ),
    ),
)
