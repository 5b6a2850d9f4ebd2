"""The waits between retries, which pass on the virtual clock."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import azure.identity
import azure.identity.aio
import msal
import pytest
import requests

import pytest_azcred.credentials
from azcred_emulators.directory import contoso, identifiers
from azcred_emulators.faults import Gone, Status, Throttle
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"


def arrivals(azcred: Azcred) -> list[float]:
    """Return when each request came, in seconds after the first."""
    entries = azcred.journal.requests()
    return [entry.at - entries[0].at for entry in entries]


def test_an_update_of_imds_takes_no_time(azcred: Azcred, fake_managed_identity: Place) -> None:
    """75 seconds of retries for five times 410 pass on the clock, and the journal has each where it would have come."""
    fake_managed_identity.faults.add(Gone(), times=5)
    waits = azcred.clock.skip_waits()
    started = time.clock_gettime(time.CLOCK_MONOTONIC)
    with azure.identity.ManagedIdentityCredential() as credential:
        credential.get_token(SCOPE)
    assert time.clock_gettime(time.CLOCK_MONOTONIC) - started < 30
    assert waits.seconds == [5, 10, 20, 40]
    assert arrivals(azcred) == pytest.approx([0, 0, 5, 15, 35, 75], abs=3)
    assert fake_managed_identity.statuses == [410, 410, 410, 410, 410, 200]


def test_so_it_is_in_the_async_half(azcred: Azcred, fake_managed_identity: Place) -> None:
    """While the app's own sleep and other tasks live in real time."""
    fake_managed_identity.faults.add(Throttle(), times=2)
    fake_managed_identity.faults.add(Throttle(retry_after=7))
    waits = azcred.clock.skip_waits()

    async def story() -> None:
        async with azure.identity.aio.ManagedIdentityCredential() as credential:
            sleeping = asyncio.create_task(asyncio.sleep(60))
            await credential.get_token(SCOPE)
            assert not sleeping.done()
            sleeping.cancel()

    asyncio.run(story())
    assert waits.seconds == [1.6, 7]
    assert arrivals(azcred) == pytest.approx([0, 0, 1.6, 8.6], abs=3)


def test_our_own_chain_waits_on_the_clock_too(azcred: Azcred, fake_managed_identity: Place) -> None:
    """Whatever it waits, the journal shows it."""
    fake_managed_identity.faults.add(Throttle(retry_after=3))
    waits = azcred.clock.skip_waits()
    with pytest_azcred.credentials.ManagedIdentityCredential() as credential:
        credential.get_token(SCOPE)
    assert arrivals(azcred)[-1] == pytest.approx(sum(waits.seconds), abs=3)
    assert fake_managed_identity.statuses == [429, 200]


def test_a_device_code_is_polled_in_no_time(azcred: Azcred) -> None:
    """msal asks every five seconds until the code expires."""
    waits = azcred.clock.skip_waits()
    session = requests.Session()
    app = msal.PublicClientApplication(
        identifiers.AZURE_CLI_CLIENT_ID,
        authority=f"https://login.microsoftonline.com/{contoso.TENANT.id}",
        http_client=session,
    )
    result = app.acquire_token_by_device_flow(app.initiate_device_flow(["https://vault.azure.net/.default"]))
    session.close()
    assert "access_token" not in result
    assert sum(waits.seconds) == pytest.approx(900, abs=10)
    polls = azcred.journal.requests(operation="token")
    assert len(polls) == pytest.approx(900 / 5, abs=5)


def test_others_wait_in_real_time(azcred: Azcred) -> None:
    """The app's own waits are its own, unless the test names its package."""
    namespace: dict[str, Any] = {"__name__": "shop.orders", "time": time}
    exec("def pause():\n    time.sleep(0.01)", namespace)
    with azcred.clock.skip_waits() as waits:
        namespace["pause"]()
        assert waits.seconds == []
    with azcred.clock.skip_waits("shop") as waits:
        namespace["pause"]()
        assert waits.seconds == [0.01]


def test_nothing_is_left_behind(azcred: Azcred) -> None:
    """At the end of the `with`, or of the test."""
    real = time.sleep, asyncio.sleep
    with azcred.clock.skip_waits():
        assert time.sleep is not real[0]
        assert asyncio.sleep is not real[1]
    assert (time.sleep, asyncio.sleep) == real
    azcred.clock.skip_waits()
    azcred.clock.skip_waits("shop")
    azcred.clock.stop()
    assert (time.sleep, asyncio.sleep) == real


def test_a_day_in_a_moment(azcred: Azcred, fake_managed_identity: Place) -> None:
    """A token expires and is renewed, IMDS throttles and then is gone for a while, and the cached token bridges it."""
    azcred.clock.skip_waits()
    with azure.identity.DefaultAzureCredential() as credential:
        first = credential.get_token(SCOPE)
        azcred.clock.advance(hours=13)  # past half of its life: msal renews it ahead of time
        fake_managed_identity.faults.add(Status(429, retry_after=2), times=2)
        second = credential.get_token(SCOPE)
        azcred.clock.advance(hours=13)
        fake_managed_identity.faults.add(Gone(), times=6)
        bridged = credential.get_token(SCOPE)
        azcred.clock.until_expiry_of(second)
        renewed = credential.get_token(SCOPE)
    assert len({first.token, second.token, renewed.token}) == 3
    assert bridged.token == second.token
    azcred.journal.assert_tokens(times=3)
