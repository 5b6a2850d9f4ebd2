"""What can be the case when an app asks DefaultAzureCredential for a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from azcred_emulators.directory import contoso, identifiers
from azcred_emulators.faults import (
    CaptivePortal,
    Crash,
    DockerDesktop,
    Exit,
    ForeignMetadata,
    Garbage,
    Gone,
    IdentityNotFound,
    MissingField,
    Noise,
    NotJson,
    Refuse,
    RefusedPort,
    Reset,
    Status,
    Throttle,
    TlsFailure,
    Truncate,
)
from pytest_azcred.credentials.links import LINKS

VAULT = "https://vault.azure.net/.default"
GRAPH = "https://graph.microsoft.com/.default"
STRANGER = "99999999-9999-4999-8999-999999999999"
DOMAIN = contoso.TENANT.domains[0]
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1700000000"}}}'

HOSTS: Mapping[str, str] = {
    "virtual-machine": "imds",
    "scale-set": "imds",
    "kubernetes-node": "imds",
    "app-service": "app-service",
    "functions": "functions",
    "container-apps": "container-apps",
    "azure-arc": "azure-arc",
    "service-fabric": "service-fabric",
    "cloud-shell": "cloud-shell",
    "machine-learning": "machine-learning",
}
"""The environments with a managed identity, and the hosts that hand its tokens out."""
OTHERS = (
    "kubernetes",
    "on-premises-secret",
    "on-premises-certificate",
    "developer-service-principal",
)
TOOLS: Mapping[str, str] = {"developer-azure-cli": "az", "developer-powershell": "pwsh", "developer-azd": "azd"}
"""The environments with a developer's tool, and its name."""

VALUES: Mapping[str, tuple[str | None, ...]] = {
    "AZURE_AUTHORITY_HOST": ("https://login.microsoftonline.us", "login.microsoftonline.com/", "http://localhost", ""),
    "AZURE_CLIENT_CERTIFICATE_PATH": ("/nonexistent.pem", ""),
    "AZURE_CLIENT_ID": (STRANGER, "", None),
    "AZURE_CLIENT_SECRET": ("wrong", "", None),
    "AZURE_FEDERATED_TOKEN_FILE": ("/nonexistent", "", None),
    "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH": ("1",),
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": ("http://127.0.0.1:9", "http://169.254.169.254/"),
    "AZURE_TENANT_ID": (STRANGER, DOMAIN, "not a tenant", "", None),
    "AZURE_TOKEN_CREDENTIALS": (
        *("", "dev", " Prod ", "typo", "SharedTokenCacheCredential"),
        *(link.credential for link in LINKS if link.by_default),
    ),
    "AZURE_USERNAME": (identifiers.USER_PRINCIPAL_NAME,),
    "AZURE_PASSWORD": ("wrong",),
}
"""What the environments' variables are changed to; None removes one."""

HTTP_FAULTS = (
    CaptivePortal(),
    DockerDesktop(),
    ForeignMetadata(401),
    ForeignMetadata(404),
    Gone(),
    IdentityNotFound(),
    MissingField("access_token"),
    NotJson(),
    RefusedPort(),
    Reset(),
    Status(400),
    Status(401),
    Status(403),
    Status(404),
    Status(500),
    Status(503, body=""),
    Throttle(retry_after=3),
    Truncate(),
)
AUTHORITY_FAULTS = (
    NotJson(),
    Refuse("AADSTS7000215"),
    Refuse("AADSTS700016"),
    Refuse("AADSTS90033"),
    RefusedPort(),
    Reset(),
    TlsFailure(),
    Status(500),
    Status(503, body=""),
    Throttle(retry_after=3),
    Truncate(),
)


@dataclass(frozen=True)
class Call:
    """A request for a token, some hours after the one before it."""

    scopes: tuple[str, ...] = (VAULT,)
    method: str = "get_token"
    options: Mapping[str, Any] = field(default_factory=dict)
    hours_later: float = 0


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next requests to a host, the authority or a tool."""

    at: str
    fault: Any
    times: int = 1


@dataclass(frozen=True)
class Situation:
    """A place, what is odd about it, and what the app asks for there."""

    environments: tuple[str, ...] = ()
    variables: Mapping[str, str | None] = field(default_factory=dict)
    installed: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    calls: tuple[Call, ...] = (Call(),)


def _dictionary(values: Mapping[str, Any], most: int) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(st.sampled_from(sorted(values)), unique=True, max_size=most)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: st.sampled_from(values[name]) for name in chosen}))


def _scarce(rarely: st.SearchStrategy[Any], otherwise: Any, odds: int) -> st.SearchStrategy[Any]:
    """One in so many times the one, else the other."""
    return st.integers(1, odds).flatmap(lambda drawn: rarely if drawn == odds else st.just(otherwise))


_method = st.sampled_from(["get_token", "get_token_info"])
_usual_calls = st.builds(
    Call,
    scopes=_scarce(st.sampled_from([(GRAPH,), (VAULT, GRAPH)]), (VAULT,), 4),
    method=_method,
    options=_scarce(
        _dictionary({"claims": (CLAIMS,), "tenant_id": (contoso.TENANT.id, DOMAIN), "enable_cae": (True,)}, 2), {}, 4
    ),
    hours_later=_scarce(st.sampled_from([0.5, 1.2, 13, 30]), 0, 3),
)
_mistaken_calls = st.one_of(
    st.builds(Call, scopes=st.sampled_from([(), ("not a scope",)]), method=_method),
    st.builds(Call, method=_method, options=st.just({"tenant_id": "not a tenant"})),
)
_calls = st.tuples(
    st.lists(_usual_calls, min_size=1, max_size=3).map(tuple),
    _scarce(_mistaken_calls.map(lambda call: (call,)), (), 12),  # at the end: it changes what comes after it
).map(lambda both: both[0] + both[1])

_keywords = _dictionary(
    {
        "authority": ("https://login.microsoftonline.us", "login.microsoftonline.com"),
        "additionally_allowed_tenants": (["*"], [DOMAIN]),
        "disable_instance_discovery": (True,),
        "managed_identity_client_id": (None, STRANGER),
        "workload_identity_client_id": (STRANGER,),
        "workload_identity_tenant_id": (DOMAIN,),
        "process_timeout": (5,),
        "require_envvar": (True,),
        "retry_total": (1,),
        "tenant_id": (contoso.TENANT.id,),
        **{link.exclude: (True, False) for link in LINKS if link.by_default},
    },
    3,
)


def _faults(environments: tuple[str, ...]) -> st.SearchStrategy[tuple[Fault, ...]]:
    at_authority = st.builds(Fault, st.just("authority"), st.sampled_from(AUTHORITY_FAULTS), st.integers(1, 5))
    kinds = [at_authority]
    for environment in environments:
        if host := HOSTS.get(environment):
            kinds += [st.builds(Fault, st.just(host), st.sampled_from(HTTP_FAULTS), st.sampled_from([1, 2, 3, 7]))] * 2
        if tool := TOOLS.get(environment):
            at_tool = st.builds(Fault, st.just(tool), st.sampled_from(TOOL_FAULTS), st.integers(1, 2))
            kinds.append(at_tool)
    return _scarce(st.lists(st.one_of(kinds), min_size=1, max_size=2).map(tuple), (), 2)


TOOL_FAULTS = (
    Exit(1, stderr="ERROR: Please run 'az login' to setup account."),
    Garbage(),
    Crash(),
    Noise(),
)


def situations() -> st.SearchStrategy[Situation]:
    """Every situation, the usual ones more often."""
    places = st.tuples(
        _scarce(st.sampled_from(list(HOSTS)).map(lambda name: (name,)), (), 2),
        st.lists(st.sampled_from([*OTHERS, *TOOLS]), unique=True, max_size=2).map(tuple),
    ).map(lambda both: both[0] + both[1])
    return places.flatmap(
        lambda environments: st.builds(
            Situation,
            environments=st.just(environments),
            variables=_scarce(_dictionary(VALUES, 2), {}, 2),
            installed=_scarce(st.sampled_from([(tool,) for tool in TOOLS.values()]), (), 6),
            faults=_faults(environments),
            keywords=_scarce(_keywords, {}, 2),
            calls=_calls,
        )
    )
