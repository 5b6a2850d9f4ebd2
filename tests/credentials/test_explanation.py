"""A chain explains what it did, as data and as a table."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.rest import HttpRequest
from credentials.fakes import CLIENT, SECRET, TENANT, VAULT, Authority, FakeTransport, Reply, refused

from pytest_azcred.azcred import Azcred
from pytest_azcred.cli import main
from pytest_azcred.credentials import (
    ChainedTokenCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    aio,
)
from pytest_azcred.credentials.errors import ChainFailedError
from pytest_azcred.credentials.explanation import Attempt, Explanation, Outcome
from pytest_azcred.credentials.links import LINKS
from pytest_azcred.credentials.threads import start
from pytest_azcred.credentials.trace import TRACE, Caller, Exchange, Trace, exchange

TOKEN = f"login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"


def nothing(request: HttpRequest) -> Reply:
    raise ServiceRequestError("no route to host")


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)


def attempts(explanation: Explanation) -> dict[str, Attempt]:
    return {attempt.provider: attempt for attempt in explanation.attempts}


def asked(attempt: Attempt) -> list[tuple[str, str]]:
    return [(one.request, one.outcome) for one in attempt.requests]


@pytest.mark.usefixtures("secret")
def test_a_winner_is_named_with_what_it_asked() -> None:
    """And those after it were not reached."""
    credential = DefaultAzureCredential(transport=FakeTransport(Authority()))
    explanation = credential.explain(VAULT)
    first, *others = explanation.attempts
    assert explanation.selected == first.provider == "EnvironmentCredential"
    assert first.outcome is Outcome.WON
    assert first.configured
    assert asked(first)[-1] == (f"POST {TOKEN}", "200")
    assert {attempt.outcome for attempt in others} == {Outcome.NOT_REACHED}
    assert explanation.elapsed > 0
    assert credential.selected is None  # explaining decides nothing


@pytest.mark.usefixtures("secret")
def test_a_failure_has_its_code_and_a_remedy() -> None:
    """And what was set, by name."""
    authority = Authority()
    authority.refusal = refused()
    attempt = DefaultAzureCredential(transport=FakeTransport(authority)).explain(VAULT).attempts[0]
    assert attempt.outcome is Outcome.FAILED
    assert attempt.code == "AADSTS7000215"
    assert attempt.remedy.startswith("the secret is not one of the application's")
    assert attempt.seen == ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET")
    assert (f"POST {TOKEN}", "401") in asked(attempt)


def test_nowhere_every_credential_says_what_it_lacks() -> None:
    """Those that lack their configuration and those that asked in vain are told apart."""
    explanation = DefaultAzureCredential(transport=FakeTransport(nothing)).explain(VAULT)
    assert explanation.selected is None
    assert {attempt.outcome for attempt in explanation.attempts} == {Outcome.UNAVAILABLE}
    environment, managed = (
        attempts(explanation)[name] for name in ("EnvironmentCredential", "ManagedIdentityCredential")
    )
    assert (environment.configured, environment.requests) == (False, ())
    assert "missing AZURE_CLIENT_ID" in environment.reason
    assert managed.configured
    assert not attempts(explanation)["AzureCliCredential"].configured
    assert asked(managed) == [("GET 169.254.169.254/metadata/identity/oauth2/token", "ServiceRequestError")]
    assert all(attempts(explanation)[link.credential].remedy for link in LINKS if link.group == "prod")


def test_the_exception_of_a_chain_has_the_explanation() -> None:
    """It is the one of that very attempt."""
    with pytest.raises(ChainFailedError) as raised:
        DefaultAzureCredential(transport=FakeTransport(nothing)).get_token(VAULT)
    assert [f"\t{one.provider}: {one.reason}" for one in raised.value.explanation.attempts] == (
        raised.value.message.splitlines()[2:-1]
    )


@pytest.mark.usefixtures("secret")
def test_so_has_that_of_the_one_that_won_before() -> None:
    """Which is its own error."""
    authority = Authority()
    credential = DefaultAzureCredential(transport=FakeTransport(authority))
    credential.get_token(VAULT)
    authority.refusal = refused()
    with pytest.raises(ClientAuthenticationError, match=r"^Authentication failed: AADSTS7000215") as raised:
        credential.get_token("https://graph.microsoft.com/.default")
    explanation: Explanation = vars(raised.value)["explanation"]
    (attempt,) = explanation.attempts
    assert (attempt.provider, attempt.code) == ("EnvironmentCredential", "AADSTS7000215")
    assert (f"POST {TOKEN}", "401") in asked(attempt)


@pytest.mark.usefixtures("secret")
def test_the_asynchronous_chain_explains_itself_too() -> None:
    """In the same way."""

    async def main() -> Explanation:
        async with aio.DefaultAzureCredential(transport=FakeTransport(Authority())) as credential:
            explanation = await credential.explain(VAULT)
            await credential.get_token(VAULT)
            assert credential.selected == explanation.selected
            return explanation

    assert asyncio.run(main()).selected == "EnvironmentCredential"


def test_asynchronous_credentials_of_others_are_explained() -> None:
    """As far as they can be."""

    class Theirs:
        async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
            raise CredentialUnavailableError(message="not here")

        async def close(self) -> None: ...

        async def __aenter__(self) -> Theirs:
            return self

        async def __aexit__(self, *error: object) -> None: ...

    ours = aio.ClientSecretCredential(TENANT, CLIENT, SECRET, transport=FakeTransport(Authority()))
    theirs, won = asyncio.run(aio.ChainedTokenCredential(Theirs(), ours).explain(VAULT)).attempts
    assert (theirs.provider, theirs.outcome, theirs.configured) == ("Theirs", Outcome.UNAVAILABLE, None)
    assert (won.outcome, won.configured, len(won.requests)) == (Outcome.WON, True, 2)
    failed = asyncio.run(aio.ChainedTokenCredential(Theirs()).explain(VAULT))
    assert failed.selected is None


def test_a_chain_within_a_chain_has_attempts_of_its_own() -> None:
    """So they form a tree."""
    inner = DefaultAzureCredential(transport=FakeTransport(nothing))
    (attempt,) = ChainedTokenCredential(inner).explain(VAULT).attempts
    assert [one.provider for one in attempt.attempts] == [link.credential for link in LINKS if link.by_default]
    assert "\n          EnvironmentCredential " in str(
        ChainedTokenCredential(ChainedTokenCredential(inner)).explain(VAULT)
    )


@pytest.mark.usefixtures("secret")
def test_it_is_printed_as_a_table() -> None:
    """With one line for each credential, and under it what it asked and lacks."""
    authority = Authority()
    authority.refusal = refused()
    lines = str(DefaultAzureCredential(transport=FakeTransport(authority)).explain(VAULT)).splitlines()
    assert lines[0].startswith(f"DefaultAzureCredential, {VAULT}: no token after ")
    assert lines[1].split() == ["EnvironmentCredential", "failed", *lines[1].split()[2:]]
    assert lines[3].strip().startswith(f"POST {TOKEN}  401  ")
    assert "    Authentication failed: AADSTS7000215: Invalid client secret provided." in "\n".join(lines)
    assert "      set: AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_CLIENT_SECRET" in lines
    assert ["WorkloadIdentityCredential", "not", "reached"] in [line.split() for line in lines]


@pytest.mark.usefixtures("secret")
def test_neither_secrets_nor_tokens_are_shown() -> None:
    """Not even those that a service echoes."""
    jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2ln"
    authority = Authority()
    authority.refusal = refused(f"AADSTS7000215: Invalid client secret provided: {SECRET} {jwt}")
    shown = DefaultAzureCredential(transport=FakeTransport(authority)).explain(VAULT)
    assert "Invalid client secret provided: *** ***" in str(shown)
    assert not {SECRET, jwt} & set(f"{shown} {shown!r}".split())
    won = DefaultAzureCredential(transport=FakeTransport(Authority(access_token=jwt))).explain(VAULT)
    assert won.selected
    assert jwt not in f"{won} {won!r}"


def test_explaining_does_not_log(caplog: pytest.LogCaptureFixture) -> None:
    """A failed get_token does; whoever asks for an explanation is told already."""
    credential = DefaultAzureCredential(transport=FakeTransport(nothing))
    with caplog.at_level(logging.WARNING, "pytest_azcred"):
        credential.explain(VAULT)
        assert not caplog.records
        with pytest.raises(ChainFailedError):
            credential.get_token(VAULT)
        assert len(caplog.records) == 1


def test_a_scope_is_needed() -> None:
    """As for a token."""
    with pytest.raises(ValueError, match='"explain" requires at least one scope'):
        DefaultAzureCredential().explain()
    with pytest.raises(ValueError, match="is not a scope"):
        asyncio.run(aio.DefaultAzureCredential().explain("a b"))


def test_what_a_thread_asks_is_recorded_by_whoever_started_it() -> None:
    """And what is asked outside a recording is not."""

    def ask() -> None:
        with exchange("az account") as asked:
            asked.outcome = "exit code 1"

    ask()
    trace = Trace(object(), Caller.CHAIN)
    reset = TRACE.set(trace)
    start(ask, "test").result()
    TRACE.reset(reset)
    ((request, outcome),) = [(one.request, one.outcome) for one in trace.exchanges]
    assert (request, outcome) == ("az account", "exit code 1")
    assert isinstance(trace.exchanges[0], Exchange)


def test_the_command_shows_the_winner(azcred: Azcred, capsys: pytest.CaptureFixture[str]) -> None:
    """With what it asked, and the exit code 0."""
    azcred.environment("developer-azure-cli")
    assert main.main(["explain", "--scope", VAULT]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:5] == ["DefaultAzureCredential,", f"{VAULT}:", "a", "token", "from"]
    assert ["AzureCliCredential", "won"] in [line[:2] for line in lines]
    assert ["az", "account", "get-access-token", "exit", "code", "0"] in [line[:6] for line in lines]
    assert ["AzurePowerShellCredential", "not", "reached"] in lines


@pytest.mark.usefixtures("secret")
def test_the_command_says_that_there_is_no_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the exit code 1, and with what is missing."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    monkeypatch.delenv("AZURE_TENANT_ID")
    assert main.main(["explain", "--scope", VAULT]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"DefaultAzureCredential, {VAULT}: no token after ")
    assert "missing AZURE_TENANT_ID" in shown


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(
    ("variables", "arguments", "problem"),
    [
        ({"AZURE_TOKEN_CREDENTIALS": "nonsense"}, [], "AZURE_TOKEN_CREDENTIALS=nonsense is not known."),
        ({"AZURE_AUTHORITY_HOST": "http://localhost"}, [], "is not an https URL"),
        ({"AZURE_CLIENT_CERTIFICATE_PATH": "/nonexistent.pem"}, [], "/nonexistent.pem"),
        ({}, ["--scope", "two words"], "'two words' is not a scope"),
    ],
)
def test_the_command_cannot_ask(
    variables: dict[str, str],
    arguments: list[str],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With malformed variables or arguments: one sentence, and the exit code 2."""
    if "AZURE_CLIENT_CERTIFICATE_PATH" in variables:
        monkeypatch.delenv("AZURE_CLIENT_SECRET")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main.main(["explain", *arguments]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("azcred: the credentials cannot be used: ")
    assert problem in shown
    assert shown.count("\n") == 1
