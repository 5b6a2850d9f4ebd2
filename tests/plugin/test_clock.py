"""The clock that a test moves, and what follows it."""

import asyncio
import datetime
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import azure.identity
import azure.identity.aio
import freezegun
import pytest
from azure.core.exceptions import ClientAuthenticationError

import pytest_azcred.credentials
from azcred_emulators.faults import Hang, Slow
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

STORAGE = "https://storage.azure.com/.default"
DAY = 86400


@pytest.mark.parametrize("library", [azure.identity, pytest_azcred.credentials], ids=["azure-identity", "ours"])
@pytest.mark.parametrize("fixture", ["fake_managed_identity", "fake_service_principal", "fake_workload_identity"])
def test_a_token_expires_and_is_renewed(
    library: Any, fixture: str, azcred: Azcred, request: pytest.FixtureRequest
) -> None:
    """Cached until the clock moves, asked for again after it."""
    place: Place = request.getfixturevalue(fixture)
    with library.DefaultAzureCredential() as credential:
        first = credential.get_token(STORAGE)
        assert credential.get_token(STORAGE).token == first.token
        azcred.clock.advance(hours=25)
        renewed = credential.get_token(STORAGE)
    assert renewed.token != first.token
    assert renewed.expires_on - first.expires_on == pytest.approx(25 * 3600, abs=60)
    azcred.journal.assert_tokens(provider=place.environment.provider, times=2)


def test_the_projected_token_rotates_with_the_clock(azcred: Azcred, fake_workload_identity: Place) -> None:
    """As the kubelet renews it in a pod; a file that the test has changed is left alone."""
    path = Path(os.environ["AZURE_FEDERATED_TOKEN_FILE"])
    projected = path.read_text()
    azcred.clock.advance(hours=25)
    rotated = path.read_text()
    assert rotated != projected
    path.write_text(projected)
    azcred.clock.advance(hours=1)
    assert path.read_text() == projected
    with (
        azure.identity.WorkloadIdentityCredential() as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700024"),
    ):
        credential.get_token(STORAGE)
    assert fake_workload_identity.statuses == [401]


def test_async_credentials_follow_the_clock(fake_managed_identity: Place, azcred: Azcred) -> None:
    """The event loop itself stays on real time, so nothing hangs and nothing fires at once."""

    async def story() -> None:
        async with azure.identity.aio.DefaultAzureCredential() as credential:
            first = await credential.get_token(STORAGE)
            sleeping = asyncio.create_task(asyncio.sleep(60))
            azcred.clock.advance(hours=25)
            renewed = await asyncio.wait_for(credential.get_token(STORAGE), timeout=30)
            assert renewed.token != first.token
            assert not sleeping.done()
            sleeping.cancel()

    asyncio.run(story())
    assert len(fake_managed_identity.requests()) == 3  # the probe and two tokens


def test_worker_threads_see_the_same_time(azcred: Azcred) -> None:
    """An app that asks for tokens in a pool must not live in another year than its main thread."""
    azcred.clock.advance(days=365)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(time.time).result() == pytest.approx(time.time(), abs=60)
        event = threading.Event()
        pool.submit(event.set)
        assert event.wait(30)


@pytest.mark.slow
def test_a_subprocess_timeout_is_not_reached_by_moving_the_clock(azcred: Azcred) -> None:
    """Credentials that run a program give it some seconds of real time, in worker threads, too."""
    azcred.clock.advance(hours=25)

    def run() -> bytes:
        return subprocess.run([sys.executable, "-c", "print('ok')"], capture_output=True, timeout=60, check=True).stdout

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run).result() == run() == b"ok\n"


def test_a_request_timeout_is_not_reached_by_moving_the_clock(azcred: Azcred, fake_managed_identity: Place) -> None:
    """The answer is awaited in real time, by requests and by aiohttp, while the clock moves."""
    fake_managed_identity.faults.add(Slow(0.3), times=2)

    def in_a_thread() -> str:
        with azure.identity.ManagedIdentityCredential(read_timeout=60) as credential:
            return str(credential.get_token(STORAGE).token)

    async def in_a_task() -> str:
        async with azure.identity.aio.ManagedIdentityCredential(read_timeout=60) as credential:
            asking = asyncio.create_task(credential.get_token(STORAGE))
            while len(fake_managed_identity.requests()) < 2:  # noqa: ASYNC110  # the emulator is in another thread
                await asyncio.sleep(0.001)
            azcred.clock.advance(hours=2)
            return str((await asyncio.wait_for(asking, 60)).token)

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(in_a_thread)
        while not fake_managed_identity.requests():
            time.sleep(0.001)
        azcred.clock.advance(hours=2)
        assert answer.result(60)
    assert asyncio.run(in_a_task())
    assert fake_managed_identity.statuses == [200, 200]


def test_a_timeout_is_reached_in_real_time(azcred: Azcred, fake_managed_identity: Place) -> None:
    """However far the clock has been moved."""
    azcred.clock.advance(days=1)
    fake_managed_identity.faults.add(Hang(), optional=True)  # a busy machine may not have taken the request in by then
    with (
        azure.identity.ManagedIdentityCredential(read_timeout=0.05, retry_total=0) as credential,
        pytest.raises(azure.identity.CredentialUnavailableError),
    ):
        credential.get_token(STORAGE)


def test_the_clock_ticks_and_can_be_set(azcred: Azcred) -> None:
    """To a datetime or to epoch seconds, forward or back."""
    azcred.clock.move_to(datetime.datetime(2030, 1, 1))
    assert azcred.clock.now() == pytest.approx(1893456000, abs=60)
    assert time.time() > azcred.clock.now() - 60 > 1893456000 - 60
    azcred.clock.move_to(0)
    assert datetime.datetime.now(datetime.timezone.utc).year == 1970


@pytest.mark.parametrize("minus", ["4 min", 240, datetime.timedelta(minutes=4), "240s", "0.0666666667 hours"], ids=str)
def test_the_clock_moves_to_just_before_an_expiry(azcred: Azcred, fake_service_principal: Place, minus: Any) -> None:
    """Of a token of any form; the SDK's cache is of the same opinion about when that is."""
    with azure.identity.EnvironmentCredential() as credential:
        token = credential.get_token_info(STORAGE)
        azcred.clock.until_expiry_of(token, minus="6 min")
        assert credential.get_token_info(STORAGE).token == token.token
        azcred.clock.until_expiry_of(token.token, minus=minus)
        assert azcred.clock.now() == pytest.approx(token.expires_on - 240, abs=10)
        assert credential.get_token(STORAGE).token != token.token
    azcred.journal.assert_tokens(times=2)


def test_an_expiry_that_is_not_ahead_is_refused(azcred: Azcred, fake_service_principal: Place) -> None:
    """As are text that is no duration and tokens that do not say when they expire."""
    with azure.identity.EnvironmentCredential() as credential:
        token = credential.get_token(STORAGE)
    with pytest.raises(ValueError, match=r"cannot go back by \d+ s to when this token expires, minus '2 hours'"):
        azcred.clock.until_expiry_of(token, minus="2 hours")
    with pytest.raises(ValueError, match="text such as '5 min', '90 s' or '24 hours', not 'soon'"):
        azcred.clock.until_expiry_of(token, minus="soon")
    with pytest.raises(ValueError, match="no JWT with an exp claim"):
        azcred.clock.until_expiry_of("opaque")


def test_the_clock_does_not_go_back_by_a_duration(azcred: Azcred) -> None:
    """A negative duration is a mistake, and named."""
    with pytest.raises(ValueError, match="the clock cannot go back by 1:00:00"):
        azcred.clock.advance(hours=-1)
    with pytest.raises(ValueError, match="the clock cannot go back by 0:05:00"):
        azcred.clock.advance("-5 min")


@pytest.mark.parametrize("duration", ["25 hours", 90000, datetime.timedelta(days=1, hours=1)], ids=str)
def test_a_duration_in_any_form(azcred: Azcred, fake_managed_identity: Place, duration: Any) -> None:
    """As text, in seconds or as a timedelta, a token of 24 hours expires."""
    with azure.identity.ManagedIdentityCredential() as credential:
        first = credential.get_token(STORAGE)
        azcred.clock.advance(duration)
        assert credential.get_token(STORAGE).token != first.token


def test_emulators_follow_a_clock_that_the_test_freezes_itself(fake_managed_identity: Place) -> None:
    """Without a word to azcred: tokens are dated by the test's own freezegun."""
    with (
        freezegun.freeze_time("2031-05-05", tick=True, real_asyncio=True),
        azure.identity.ManagedIdentityCredential() as credential,
    ):
        token = credential.get_token(STORAGE)
    assert token.expires_on == pytest.approx(1935705600 + DAY, abs=60)


def test_emulators_follow_time_machine(fake_managed_identity: Place) -> None:
    """The same with time-machine."""
    time_machine = pytest.importorskip("time_machine")
    with (
        time_machine.travel(datetime.datetime(2031, 5, 5, tzinfo=datetime.timezone.utc)),
        azure.identity.ManagedIdentityCredential() as credential,
    ):
        token = credential.get_token(STORAGE)
    assert token.expires_on == pytest.approx(1935705600 + DAY, abs=60)


@pytest.mark.filterwarnings("ignore:System time is way off")  # urllib3's, of any date before its release
def test_tls_works_at_any_date(azcred: Azcred, fake_service_principal: Place) -> None:
    """Certificates are judged by the machine's clock, tokens by the virtual one."""
    for moment in (datetime.datetime(1999, 1, 1), datetime.datetime(2150, 1, 1)):
        azcred.clock.move_to(moment)
        with azure.identity.EnvironmentCredential() as credential:
            assert credential.get_token(STORAGE).expires_on > moment.timestamp()


def test_real_time_returns_with_the_end_of_the_test(azcred: Azcred) -> None:
    """What stop() does at teardown: time is real and freezegun's settings are its own."""
    before = list(freezegun.config.settings.default_ignore_list)
    real = time.time
    azcred.clock.advance(days=1000)
    assert time.time is not real
    azcred.clock.stop()
    assert time.time is real
    assert freezegun.config.settings.default_ignore_list == before
