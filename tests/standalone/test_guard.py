"""Who may control a server, judged by where a request comes from and what it says."""

import base64

import pytest

from azcred_emulators.control.guard import Forbidden, Guard
from azcred_emulators.emulator import Request

ELSEWHERE = "192.0.2.7"


def request(address: str, method: str = "GET", host: str = "azcred:8400", **headers: str) -> Request:
    """A request as it reaches the guard."""
    given = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return Request({"REQUEST_METHOD": method, "REMOTE_ADDR": address, "HTTP_HOST": host, **given})


def basic(password: str) -> str:
    """What a browser sends when its user has typed in a password."""
    return f"Basic {base64.b64encode(f'anybody:{password}'.encode()).decode()}"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.84.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_no_key(address: str) -> None:
    """Whichever of its addresses it comes from."""
    Guard().check(request(address))


@pytest.mark.parametrize("authorization", ["Bearer sesame", basic("sesame")])
def test_other_machines_have_the_key(authorization: str) -> None:
    """As a bearer token, or as the password that a browser asks for."""
    Guard("sesame").check(request(ELSEWHERE, authorization=authorization))


@pytest.mark.parametrize("key", [None, "", "sesame"])
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic ???", basic(""), basic("wrong"), "Digest sesame"]
)
def test_other_machines_without_it_are_refused(key: str | None, authorization: str) -> None:
    """Also where no key is set; browsers are told to ask for it."""
    with pytest.raises(Forbidden) as forbidden:
        Guard(key).check(request(ELSEWHERE, authorization=authorization))
    assert forbidden.value.status == 401
    assert forbidden.value.headers[0][0] == "WWW-Authenticate"


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "http://azcred:9"}, {"sec_fetch_site": "same-site"}],
)
def test_a_key_does_not_let_other_pages_in(headers: dict[str, str]) -> None:
    """A browser sends what its user has typed in for every page."""
    with pytest.raises(Forbidden, match="pages of other origins"):
        Guard("sesame").check(request(ELSEWHERE, "POST", authorization=basic("sesame"), **headers))
    Guard("sesame").check(request(ELSEWHERE, "POST", authorization=basic("sesame"), origin="http://azcred:8400"))


@pytest.mark.parametrize(
    ("host", "known"),
    [("azcred:8400", True), ("localhost", True), ("[::1]:80", True), ("evil.example", False), ("", False)],
)
def test_it_answers_under_its_own_names(host: str, known: bool) -> None:
    """Those that were configured, and those of this machine."""
    assert Guard(names=["azcred"]).knows(request("127.0.0.1", host=host)) is known
