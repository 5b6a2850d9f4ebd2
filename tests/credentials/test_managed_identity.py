"""A virtual machine asks IMDS."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import azure.identity
import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import HttpRequest
from credentials.fakes import CLIENT, TENANT, VAULT, Authority, FakeTransport, Reply, renewals_ended
from freezegun import freeze_time

from azcred_emulators.faults import Truncate
from pytest_azcred.credentials import (
    ChainedTokenCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    ManagedIdentityCredential,
)
from pytest_azcred.credentials.http import HttpPipeline
from pytest_azcred.credentials.managed_identity import HOSTS, detected_host
from pytest_azcred.credentials.threads import within
from pytest_azcred.place import Place

RESOURCE = "https://vault.azure.net"
TOKEN = Reply(
    {
        "access_token": "imds-token",
        "client_id": CLIENT,
        "expires_in": "86400",
        "expires_on": "1800057600",
        "resource": RESOURCE,
        "token_type": "Bearer",
    }
)
NO_IDENTITY = Reply({"error": "invalid_request", "error_description": "Identity not found"}, 400)
NO_HEADER = Reply({"error": "invalid_request", "error_description": "Required metadata header not specified"}, 400)


def imds(answer: Reply) -> FakeTransport:
    """An IMDS that gives this answer to requests with the header it insists on."""
    return FakeTransport(lambda request: answer if "Metadata" in request.headers else NO_HEADER)


def query(request: HttpRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}


def probes(transport: FakeTransport) -> list[bool]:
    """For each request whether it was a probe."""
    return ["Metadata" not in request.headers for request in transport.requests]


def test_a_token_takes_a_single_request() -> None:
    """Without a chain IMDS is not probed: whoever wants this credential knows that it is there."""
    transport = imds(TOKEN)
    ours = ManagedIdentityCredential(transport=transport)
    assert ours.get_token(VAULT).token == ours.get_token(VAULT).token == "imds-token"
    (request,) = transport.requests
    assert request.url.startswith("http://169.254.169.254/metadata/identity/oauth2/token?")
    assert query(request) == {"api-version": "2018-02-01", "resource": RESOURCE}


def test_requests_and_tokens_are_those_of_azure_identity() -> None:
    """Alone and in a chain, for each way to name an identity."""

    def outcome(kind: Any, chain: Any, options: dict[str, Any]) -> list[Any]:
        transport = imds(TOKEN)
        alone = kind(transport=transport, **options)
        token = vars(alone.get_token_info(VAULT))
        assert chain(kind(transport=transport, **options)).get_token(VAULT).token == "imds-token"
        tokens = [request for request in transport.requests if "Metadata" in request.headers]
        return [token, probes(transport), [query(request) for request in tokens]]

    with freeze_time("2027-01-15"):
        for options in (
            {},
            {"client_id": CLIENT},
            {"identity_config": {"client_id": CLIENT}},
            {"identity_config": {"object_id": CLIENT}},
            {"identity_config": {"resource_id": "/subscriptions/s/id"}},
        ):
            assert outcome(ManagedIdentityCredential, ChainedTokenCredential, options) == outcome(
                azure.identity.ManagedIdentityCredential, azure.identity.ChainedTokenCredential, options
            )


def test_a_token_is_renewed_halfway() -> None:
    """If it lives for two hours or more."""
    transport = imds(TOKEN)
    ours = ManagedIdentityCredential(transport=transport)
    with freeze_time("2027-01-15") as clock:
        ours.get_token(VAULT)
        clock.tick(43199)
        ours.get_token(VAULT)
        assert len(transport.requests) == 1
        clock.tick(1)
        ours.get_token(VAULT)
        renewals_ended()
        assert len(transport.requests) == 2


def test_claims_bypass_the_cache() -> None:
    """IMDS is not told about them."""
    transport = imds(TOKEN)
    ours = ManagedIdentityCredential(transport=transport)
    ours.get_token(VAULT)
    ours.get_token(VAULT, claims="{}")
    assert query(transport.requests[1]) == query(transport.requests[0])


def test_the_probe_comes_first_in_a_chain() -> None:
    """Once: afterwards IMDS is known to be there. It lacks the header, and is not retried."""
    transport = imds(TOKEN)
    chain = ChainedTokenCredential(ManagedIdentityCredential(transport=transport, imds_probe_timeout=100))
    chain.get_token(VAULT)
    chain.get_token("https://graph.microsoft.com/.default")
    assert probes(transport) == [True, False, False]
    timeout = pytest.approx(100, abs=50)  # what is left of it
    assert transport.options[0] == {"stream": False, "connection_timeout": timeout, "read_timeout": timeout}


def test_many_threads_probe_once() -> None:
    """And ask for one token."""
    transport = imds(TOKEN)
    chain = ChainedTokenCredential(ManagedIdentityCredential(transport=transport))
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: chain.get_token(VAULT), range(20)))
    assert probes(transport) == [True, False]


def test_no_probe_where_imds_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable of pod identity, the host of which is used instead."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://localhost:4711/")
    transport = imds(TOKEN)
    ChainedTokenCredential(ManagedIdentityCredential(transport=transport)).get_token(VAULT)
    assert probes(transport) == [False]
    assert transport.requests[0].url.startswith("http://localhost:4711/metadata/identity/oauth2/token?")


@pytest.mark.parametrize("error", [ServiceRequestError("no route to host"), ServiceResponseError("reset")])
def test_nothing_there_makes_it_unavailable(error: AzureError) -> None:
    """It is probed again at the next call: a machine may still be starting."""

    def nothing(request: HttpRequest) -> Reply:
        raise error

    transport = FakeTransport(nothing)
    ours = ManagedIdentityCredential(transport=transport)
    for _ in range(2):
        with pytest.raises(ClientAuthenticationError, match=r"http://169\.254\.169\.254 cannot be reached"):
            ChainedTokenCredential(ours).get_token(VAULT)
    assert probes(transport) == [True, True]
    assert not transport.sleeps


def test_without_a_chain_nothing_there_makes_it_unavailable_too() -> None:
    """After the retries of a connection, for whoever wants this credential expects that it is there."""

    def nothing(request: HttpRequest) -> Reply:
        raise ServiceRequestError("no route to host")

    transport = FakeTransport(nothing)
    with pytest.raises(CredentialUnavailableError, match="IMDS did not answer: no route to host"):
        ManagedIdentityCredential(transport=transport).get_token(VAULT)
    assert probes(transport) == [False] * 4


NOT_IMDS = [
    Reply("<html>Not found</html>", 404, content_type="text/html"),
    Reply({"error": "not_found"}, 404),
    Reply("<html>Welcome</html>", content_type="text/html"),
    Reply("<html>Bad gateway</html>", 502, content_type="text/html"),
    Reply("{"),
    Reply({"status": "up"}),
    Reply([], 500),
    Reply("", 403),
]


@pytest.mark.parametrize("answer", NOT_IMDS)
def test_what_is_plainly_not_imds_is_left_at_once(answer: Reply) -> None:
    """In a chain others wait for their turn: a web server at that address is no reason to keep them waiting."""
    transport = FakeTransport(lambda request: answer)
    chain = ChainedTokenCredential(ManagedIdentityCredential(transport=transport))
    with pytest.raises(ClientAuthenticationError, match="is not IMDS"):
        chain.get_token(VAULT)
    assert probes(transport) == [True]


@pytest.mark.parametrize("answer", NOT_IMDS)
def test_nor_is_it_asked_again_where_imds_is_said_to_be(answer: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the first request is already one for a token."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://localhost:4711/")
    transport = FakeTransport(lambda request: answer)
    with pytest.raises(ClientAuthenticationError):
        ChainedTokenCredential(ManagedIdentityCredential(transport=transport)).get_token(VAULT)
    assert probes(transport) == [False]


def test_nor_is_a_closed_port_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity tries it for five seconds."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://localhost:4711/")

    def closed(request: HttpRequest) -> Reply:
        raise ServiceRequestError("connection refused")

    transport = FakeTransport(closed)
    with pytest.raises(ClientAuthenticationError, match="IMDS did not answer: connection refused"):
        ChainedTokenCredential(ManagedIdentityCredential(transport=transport)).get_token(VAULT)
    assert probes(transport) == [False]
    assert not transport.sleeps


@pytest.mark.parametrize("status", [410, 429, 503])
def test_an_imds_in_trouble_is_waited_for(status: int) -> None:
    """It is one, by the look of its answer."""
    answers = [NO_HEADER, Reply({"error": "later"}, status), Reply("", status), TOKEN]
    transport = FakeTransport(lambda request: answers.pop(0))
    chain = ChainedTokenCredential(ManagedIdentityCredential(transport=transport))
    assert chain.get_token(VAULT).token == "imds-token"
    assert probes(transport) == [True, False, False, False]


def test_an_imds_that_gave_a_token_is_worth_waiting_for() -> None:
    """Then a 404 is one that passes."""
    answers = [NO_HEADER, TOKEN, Reply({}, 404), TOKEN]
    transport = FakeTransport(lambda request: answers.pop(0))
    chain = ChainedTokenCredential(ManagedIdentityCredential(transport=transport))
    chain.get_token(VAULT)
    assert chain.get_token("https://graph.microsoft.com/.default").token == "imds-token"


def test_a_proxy_that_says_unreachable_makes_it_unavailable() -> None:
    """Docker Desktop's does."""
    transport = FakeTransport(lambda request: Reply("host is unreachable", 403, content_type="text/plain"))
    with pytest.raises(ClientAuthenticationError, match="a proxy answered"):
        ChainedTokenCredential(ManagedIdentityCredential(transport=transport)).get_token(VAULT)
    assert probes(transport) == [True]


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def test_a_probe_that_hangs_is_given_up(released: threading.Event) -> None:
    """However the time passes: azure-identity would wait for as long as bytes trickle in."""

    def hang(request: HttpRequest) -> Reply:
        released.wait()
        return NO_HEADER

    ours = ManagedIdentityCredential(transport=FakeTransport(hang), imds_probe_timeout=0.01)
    with pytest.raises(ClientAuthenticationError, match=r"did not answer within 0\.01 s"):
        ChainedTokenCredential(ours).get_token(VAULT)


def test_within_gives_the_outcome(released: threading.Event) -> None:
    """The result or the error of the call, or an error of its own."""
    assert within(30, lambda: "result") == "result"
    with pytest.raises(ZeroDivisionError):
        within(30, lambda: 1 // 0)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        within(0.01, released.wait)


def test_what_is_imported_meanwhile_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine that has yet to load its HTTP client has an IMDS all the same."""
    transport = imds(TOKEN)
    build = HttpPipeline._build

    def slowly(pipeline: HttpPipeline) -> Any:
        time.sleep(0.6)
        return build(pipeline)

    monkeypatch.setattr(HttpPipeline, "_build", slowly)
    ours = ManagedIdentityCredential(transport=transport, imds_probe_timeout=0.5)
    assert ChainedTokenCredential(ours).get_token(VAULT).token == "imds-token"


@pytest.mark.slow
def test_where_no_connection_can_be_made_no_http_client_is_imported() -> None:
    """Most machines are not on Azure: there a chain should not cost what it does not use."""
    script = """
import socket, sys
def refuse(address, timeout):
    raise OSError("no route to host")
socket.create_connection = refuse
from pytest_azcred.credentials import DefaultAzureCredential
found = DefaultAzureCredential().explain("https://vault.azure.net/.default").attempts[2]
print(found.reason, [(one.request, one.outcome) for one in found.requests])
print(*{"requests", "msal", "cryptography"} & set(sys.modules))
"""
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env={**environ, "PATH": ""}
    )
    assert "http://169.254.169.254 cannot be reached" in done.stdout
    assert "[('connect 169.254.169.254:80', 'OSError')]\n\n" in done.stdout


TEXT = "text/plain"


@pytest.mark.parametrize(
    ("answer", "unavailable"),
    [
        (NO_IDENTITY, True),
        (Reply({"error": "unauthorized"}, 401), True),
        (Reply({"error": "x", "error_description": "y"}, 500), True),
        (Reply("hello", content_type=TEXT), True),
        (Reply("hello", 404, content_type=TEXT), True),
        (Reply("{}"), True),
        (Reply("[]"), True),
        (Reply("{"), False),
        (Reply("{", content_type=TEXT), True),
        (Reply({"access_token": "token", "expires_in": "soon"}), True),
        (Reply({"access_token": "token", "expires_in": 3600}), None),
    ],
)
def test_what_is_unavailable_and_what_failed(answer: Reply, unavailable: bool | None) -> None:
    """As azure-identity (sync) has it; None is a token."""

    def outcome(kind: Any, unavailable_type: type[Exception]) -> bool | None:
        try:
            kind(transport=imds(answer)).get_token(VAULT)
        except ClientAuthenticationError as error:
            return isinstance(error, unavailable_type)
        return None

    assert outcome(ManagedIdentityCredential, CredentialUnavailableError) is unavailable
    assert outcome(azure.identity.ManagedIdentityCredential, azure.identity.CredentialUnavailableError) is unavailable


def test_an_answer_that_was_cut_off_is_a_failure() -> None:
    """And what was read of it stays out of the message."""

    def cut(request: HttpRequest) -> Reply:
        raise IncompleteReadError("ey-half-a-tok")

    with pytest.raises(ClientAuthenticationError, match=r"169\.254\.169\.254 was cut off") as raised:
        ManagedIdentityCredential(transport=FakeTransport(cut), retry_total=0).get_token(VAULT)
    assert not isinstance(raised.value, CredentialUnavailableError)
    assert "ey-half" not in f"{raised.value} {raised.value.__cause__}"


@pytest.mark.parametrize(
    ("client_id", "advice"),
    [
        (None, "Assign an identity to this machine, or name one of several."),
        (CLIENT, f"Is the identity with client_id {CLIENT} assigned?"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(client_id: str | None, advice: str) -> None:
    """In IMDS's words and ours."""
    with pytest.raises(CredentialUnavailableError) as raised:
        ManagedIdentityCredential(transport=imds(NO_IDENTITY), client_id=client_id).get_token(VAULT)
    assert str(raised.value) == (
        f"ManagedIdentityCredential is unavailable: IMDS answered (invalid_request) Identity not found. {advice}"
    )


@pytest.mark.parametrize(
    ("status", "sleeps"),
    [
        (404, [1.6, 3.2, 6.4, 12.8]),
        (429, [1.6, 3.2, 6.4, 12.8]),
        (503, [1.6, 3.2, 6.4, 12.8]),
        (599, [1.6, 3.2, 6.4, 12.8]),
        (410, [5, 10, 20, 40]),
        (400, []),
        (403, []),
    ],
)
def test_waits_between_tries(status: int, sleeps: list[float]) -> None:
    """The same as azure-identity's; IMDS is gone for up to 70 s while it is updated."""

    def waits(kind: Any) -> list[float]:
        transport = imds(Reply({"error": "later"}, status))
        with pytest.raises(ClientAuthenticationError):
            kind(transport=transport).get_token(VAULT)
        assert len(transport.requests) == (6 if sleeps else 1)
        return transport.sleeps

    assert waits(ManagedIdentityCredential) == sleeps == waits(azure.identity.ManagedIdentityCredential)


def test_the_next_try_can_succeed() -> None:
    """After twice being told to come back."""
    answers = [Reply({}, 429, {"Retry-After": "7"}), Reply({}, 410), TOKEN]
    transport = FakeTransport(lambda request: answers.pop(0))
    assert ManagedIdentityCredential(transport=transport).get_token(VAULT).token == "imds-token"
    assert transport.sleeps == [7, 5]


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        (("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"), "service_fabric"),
        (("IDENTITY_ENDPOINT", "IDENTITY_HEADER"), "app_service"),
        (("IDENTITY_ENDPOINT", "IMDS_ENDPOINT"), "azure_arc"),
        (("IDENTITY_ENDPOINT",), "unknown"),
        (("MSI_ENDPOINT", "MSI_SECRET"), "machine_learning"),
        (("MSI_ENDPOINT",), "cloud_shell"),
        (("MSI_ENDPOINT", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"), "app_service"),
        (("MSI_SECRET", "IMDS_ENDPOINT", "IDENTITY_HEADER"), "imds"),
        (("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"), "workload_identity"),
        (("AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"), "imds"),
        ((), "imds"),
    ],
)
def test_the_variables_tell_the_host(variables: tuple[str, ...], host: str) -> None:
    """Each host sets its own; one that is empty is as good as missing."""
    assert detected_host(dict.fromkeys(variables, "x"), HOSTS) == host
    assert detected_host(dict.fromkeys(variables, ""), HOSTS) == "imds"


def test_a_pod_uses_its_workload_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The webhook's variables say that there is one."""
    (tmp_path / "token").write_text("service-account-token")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    transport = FakeTransport(Authority())
    ManagedIdentityCredential(client_id=CLIENT, transport=transport).get_token(VAULT)
    assert transport.sent == [f"POST /{TENANT}/oauth2/v2.0/token"]


def test_an_identity_has_one_name() -> None:
    """Several may contradict each other."""
    with pytest.raises(ValueError, match="named by client_id and object_id"):
        ManagedIdentityCredential(client_id=CLIENT, identity_config={"object_id": CLIENT})


def test_one_scope_at_a_time() -> None:
    """That is all that IMDS can do."""
    transport = imds(TOKEN)
    with pytest.raises(ValueError, match="exactly one scope per request, not 2"):
        ManagedIdentityCredential(transport=transport).get_token(VAULT, "other")
    assert not transport.sent


def test_a_probe_whose_answer_is_cut_off_was_answered(fake_managed_identity: Place) -> None:
    """Something is there, so the token is asked for."""
    fake_managed_identity.faults.add(Truncate())
    with DefaultAzureCredential() as credential:
        assert credential.get_token("https://vault.azure.net/.default").token
    assert fake_managed_identity.statuses == [400, 200]
