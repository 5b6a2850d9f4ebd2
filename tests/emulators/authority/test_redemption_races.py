"""Eight threads with one code or one refresh token: exactly one gets the tokens."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support.entra import DEVICE_CODE_GRANT, SECRET, VAULT, Entra
from werkzeug.test import Client, TestResponse

from azcred_emulators.directory import Application

THREADS = 8


def race(entra: Entra, attempt: Callable[[Entra], TestResponse]) -> Counter[int]:
    """Let the threads attempt it at the same moment and count the statuses."""
    start = threading.Barrier(THREADS)
    statuses: list[int] = []

    def run() -> None:
        own = Entra(entra.emulators, Client(entra.client.application))
        start.wait()
        statuses.append(attempt(own).status_code)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


@pytest.fixture
def shop(entra: Entra) -> Application:
    """A web app."""
    return entra.add_web_app()


@pytest.mark.parametrize("_round", range(5))
def test_one_wins_the_authorization_code(entra: Entra, shop: Application, _round: int) -> None:
    """The others are told that it was redeemed."""
    code = entra.authorize(shop)["code"]
    assert race(entra, lambda own: own.redeem(shop, code)) == {200: 1, 400: THREADS - 1}


@pytest.mark.parametrize("_round", range(5))
def test_one_wins_the_refresh_token(entra: Entra, shop: Application, _round: int) -> None:
    """It is spent with the first use."""
    token = entra.sign_in(shop)["refresh_token"]
    assert race(entra, lambda own: own.refresh(shop, token)) == {200: 1, 400: THREADS - 1}


def test_one_wins_the_device_code(entra: Entra, shop: Application) -> None:
    """A device that polls twice at once gets one answer."""
    form: dict[str, Any] = {"client_id": shop.client_id, "client_secret": SECRET}
    flow = entra.post({**form, "scope": f"{VAULT}/.default"}, path="oauth2/v2.0/devicecode").get_json()
    context = entra.emulators.authority.context
    context.device_codes.approve(flow["user_code"], entra.emulators.authority.sign_in(entra.user))
    poll = {**form, "grant_type": DEVICE_CODE_GRANT, "device_code": flow["device_code"]}
    assert race(entra, lambda own: own.post(poll)) == {200: 1, 400: THREADS - 1}


def test_one_wins_a_single_use_assertion(entra: Entra) -> None:
    """Of eight identical assertions one is the first."""
    issued = entra.emulators.authority.context.issued
    start = threading.Barrier(THREADS)
    results: list[bool] = []

    def run() -> None:
        start.wait()
        results.append(issued.use_assertion("client", "jti", entra.emulators.clock.now() + 60))

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(results) == {True: 1, False: THREADS - 1}
