"""The asynchronous credentials, under asyncio and under trio."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import azure.identity.aio
import pytest
import trio
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpRequest
from credentials.fakes import CLIENT, SECRET, TENANT, VAULT, Authority, FakeTransport, Reply, refused

from pytest_azcred import credentials
from pytest_azcred.credentials import CredentialUnavailableError, aio
from pytest_azcred.credentials.aio import credential as aio_credential

SEVERAL: list[dict[str, str]] = [{}, {"tenant_id": "other"}, {"claims": "{}"}]
Run = Callable[[Callable[[], Awaitable[Any]]], Any]


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine function in either library, without anyio around it."""
    return lambda main: asyncio.run(main()) if request.param == "asyncio" else trio.run(main)  # type: ignore[arg-type]


class Gate:
    """An authority that says when it was asked for a token, and answers when it may."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.asked = threading.Event()
        self.open = threading.Event()

    def __call__(self, request: HttpRequest) -> Reply:
        if request.method == "POST":
            self.asked.set()
            assert self.open.wait(30)
        return self.authority(request)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def gate(authority: Authority) -> Gate:
    return Gate(authority)


def credential(answer: Callable[[HttpRequest], Reply], **keywords: Any) -> aio.ClientSecretCredential:
    return aio.ClientSecretCredential(TENANT, CLIENT, SECRET, transport=FakeTransport(answer), **keywords)


async def asked(gate: Gate) -> None:
    """Wait for the authority to be asked, letting other tasks run meanwhile: each turn of this loop shows that.

    And for the others to have joined the one who asked: trio runs tasks in any order, once Hypothesis is imported.
    """
    with anyio.fail_after(30):
        while not gate.asked.is_set():  # noqa: ASYNC110  # set by a thread
            await anyio.sleep(0.001)
        await anyio.wait_all_tasks_blocked()


def test_many_tasks_make_one_request(run: Run, gate: Gate) -> None:
    """And none of them blocks the event loop: it is the loop that lets the authority answer."""
    tokens: list[str] = []

    async def main() -> None:
        ours = credential(gate)

        async def ask() -> None:
            tokens.append((await ours.get_token(VAULT)).token)

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(ask)
            await asked(gate)
            assert not tokens
            gate.open.set()

    run(main)
    assert tokens == ["token-1"] * 50
    assert gate.authority.granted == 1


def test_what_is_asked_for_tells_requests_apart(run: Run, gate: Gate) -> None:
    """Each scope, tenant and claim is one request, at the same time as the others."""
    tokens: list[str] = []

    async def main() -> None:
        ours = credential(gate, additionally_allowed_tenants=["*"])

        async def ask(**options: Any) -> None:
            tokens.append((await ours.get_token_info(VAULT, options=options)).token)  # type: ignore[arg-type]

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                for options in SEVERAL:
                    tasks.start_soon(partial(ask, **options))
            await asked(gate)
            gate.open.set()

    run(main)
    assert sorted(tokens) == [f"token-{number}" for number in (1, 2, 3) for _ in range(5)]


def test_those_that_wait_share_the_error(run: Run, gate: Gate) -> None:
    """A refusal is not asked for fifty times."""
    errors: list[ClientAuthenticationError] = []
    refusals = 0

    def refuse(request: HttpRequest) -> Reply:
        nonlocal refusals
        if request.method == "POST":
            refusals += 1
        return gate(request)

    async def main() -> None:
        ours = credential(refuse)

        async def ask() -> None:
            with pytest.raises(ClientAuthenticationError, match="AADSTS7000215") as raised:
                await ours.get_token(VAULT)
            errors.append(raised.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(ask)
            await asked(gate)
            gate.open.set()

    gate.authority.refusal = refused()
    run(main)
    assert len(errors) == 50
    assert refusals == 1


def test_a_cancelled_task_leaves_the_request_to_the_others(run: Run, gate: Gate) -> None:
    """Also if it was the one that began it."""
    tokens: list[str] = []

    async def main() -> None:
        ours = credential(gate)

        async def ask() -> None:
            tokens.append((await ours.get_token(VAULT)).token)

        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as impatient:
                async with anyio.create_task_group() as inner:
                    inner.start_soon(ask)
                    await asked(gate)
                    impatient.cancel()
            assert impatient.cancelled_caught
            tasks.start_soon(ask)
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            gate.open.set()

    run(main)
    assert tokens == ["token-1"] * 2
    assert gate.authority.granted == 1


def test_a_token_at_hand_needs_no_thread(run: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a mistake in the call."""

    async def main() -> None:
        ours = credential(authority)
        token = await ours.get_token(VAULT)
        monkeypatch.delattr(aio_credential, "start")
        assert await ours.get_token(VAULT) == token
        assert (await ours.get_token_info(VAULT)).token == token.token
        with pytest.raises(ValueError, match="at least one scope"):
            await ours.get_token()

    run(main)


def test_it_can_be_shared_by_event_loops(authority: Authority) -> None:
    """And used after one of them has ended."""
    ours = credential(authority)

    async def ask() -> str:
        return (await ours.get_token(VAULT)).token

    assert asyncio.run(ask()) == trio.run(ask) == asyncio.run(ask()) == "token-1"


def test_an_event_loop_may_end_before_the_answer_comes(gate: Gate, run: Run) -> None:
    """Then nobody is told, and nothing is said."""

    async def main() -> None:
        ours = credential(gate)
        with anyio.move_on_after(0.01):
            await ours.get_token(VAULT)

    run(main)
    gate.open.set()
    for thread in threading.enumerate():
        if thread.name == "azcred-token":
            thread.join(30)


def test_a_transport_is_opened_and_closed(run: Run, authority: Authority) -> None:
    """By the context manager."""
    transport = FakeTransport(authority)

    async def main() -> None:
        async with aio.ClientSecretCredential(TENANT, CLIENT, SECRET, transport=transport) as ours:
            assert transport.is_open
            await ours.get_token(VAULT)
        assert not transport.is_open

    run(main)


def test_an_asynchronous_transport_is_refused() -> None:
    """Requests are sent on a thread, which has no event loop."""

    async def main() -> None:
        async with AioHttpTransport() as transport:
            with pytest.raises(TypeError, match=r"transport is AioHttpTransport.*give a synchronous transport"):
                aio.ManagedIdentityCredential(transport=transport)

    asyncio.run(main())


class Scripted:
    """A credential of somebody else."""

    def __init__(self, outcome: str | Exception) -> None:
        self.outcome = outcome
        self.is_open: bool | None = None

    async def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return AccessToken(self.outcome, 100)

    async def close(self) -> None:
        self.is_open = False

    async def __aenter__(self) -> Scripted:
        self.is_open = True
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


def test_a_chain_asks_the_next_one(run: Run, authority: Authority) -> None:
    """Of ours, of azure-identity and of others."""

    async def main() -> None:
        other = Scripted(CredentialUnavailableError(message="not here"))
        theirs = azure.identity.aio.EnvironmentCredential()
        ours = credential(authority)
        async with aio.ChainedTokenCredential(other, theirs, aio.EnvironmentCredential(), ours) as chain:
            assert other.is_open
            assert (await chain.get_token(VAULT)).token == "token-1"
            assert (await chain.get_token_info(VAULT)).token == "token-1"
        assert other.is_open is False

    run(main)


def test_a_method_of_the_apps_own_is_called(run: Run, authority: Authority) -> None:
    """By a chain, each time anew."""

    class Careful(aio.ClientSecretCredential):
        async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            token = await super().get_token(*scopes, **options)
            return AccessToken(f"careful {token.token}", token.expires_on)

    async def main() -> None:
        async with aio.ChainedTokenCredential(
            Careful(TENANT, CLIENT, SECRET, transport=FakeTransport(authority))
        ) as chain:
            assert (await chain.get_token_info(VAULT)).token == "token-1"
            for _ in range(2):
                assert (await chain.get_token(VAULT)).token == "careful token-1"

    run(main)


def test_a_token_at_hand_needs_no_thread_in_a_chain(
    run: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of its credentials has it."""

    async def main() -> None:
        other = Scripted(CredentialUnavailableError(message="not here"))
        for chain in (
            aio.ChainedTokenCredential(credential(authority), other),
            aio.ChainedTokenCredential(other, credential(authority)),
        ):
            token = await chain.get_token(VAULT)
            with monkeypatch.context() as patch:
                patch.delattr(aio_credential, "start")
                assert await chain.get_token(VAULT) == token
                assert (await chain.get_token_info(VAULT)).token == token.token

    run(main)


def test_a_failure_stops_a_chain(run: Run) -> None:
    """With the message of the synchronous chain."""

    async def main() -> None:
        unavailable = Scripted(CredentialUnavailableError(message="not here"))
        chain = aio.ChainedTokenCredential(unavailable, Scripted(RuntimeError("bug")), Scripted("token"))
        with pytest.raises(ClientAuthenticationError) as raised:
            await chain.get_token(VAULT)
        assert raised.value.message.splitlines()[:4] == [
            "ChainedTokenCredential failed to retrieve a token from the included credentials.",
            "Attempted credentials:",
            "\tScripted: not here",
            "\tScripted: bug",
        ]
        with pytest.raises(ClientAuthenticationError, match=r"Scripted: not here\nTo mitigate"):
            await aio.ChainedTokenCredential(unavailable).get_token_info(VAULT)
        with pytest.raises(ValueError, match="at least one credential"):
            aio.ChainedTokenCredential()

    run(main)


def test_the_default_chain(run: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finds what the synchronous one finds, and then answers from memory."""
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)

    async def main() -> None:
        async with aio.DefaultAzureCredential(transport=FakeTransport(authority)) as chain:
            assert (await chain.get_token(VAULT)).token == "token-1"
            monkeypatch.delattr(aio_credential, "start")
            assert (await chain.get_token(VAULT)).token == "token-1"
            monkeypatch.undo()

    run(main)


@pytest.mark.parametrize("name", sorted({*aio.__all__} - {"ChainedTokenCredential", "get_bearer_token_provider"}))
def test_each_class_takes_what_its_synchronous_namesake_takes(name: str) -> None:
    """And says so, as its documentation does what it is."""
    asynchronous, synchronous = getattr(aio, name), getattr(credentials, name)
    assert inspect.signature(asynchronous) == inspect.signature(synchronous)
    assert asynchronous.__doc__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        print(aio.Nothing)  # type: ignore[attr-defined]  # that is the point
