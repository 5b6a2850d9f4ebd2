"""Who may control a server, judged by where a request comes from and what it says."""

import base64
import shutil
import subprocess
import sys

import pytest

from azcred_emulators.emulation.request import Request
from azcred_emulators.standalone.control.guard import ControlRejection, Guard

ELSEWHERE = "192.0.2.7"
AS_ANOTHER_MACHINE = """
import sys
from http.client import HTTPConnection
from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.server import StandaloneServer

with StandaloneServer(Configuration(address="0.0.0.0", key="sesame")) as server:
    for port in server.main.emulators.http.address[1], server.main.emulators.https.address[1]:
        for tunnel in None, "169.254.169.254", "localhost":
            connection = HTTPConnection(sys.argv[1], port, timeout=10)
            if tunnel:
                connection.set_tunnel(tunnel, 80)
            try:
                connection.request("GET", "/azcred/health", headers={"Host": "localhost"})
                print(connection.getresponse().status)
            except OSError as error:  # the proxy has refused
                print(error)
            connection.close()
"""
IN_A_NAMESPACE = ("unshare", "--map-root-user", "--net", "sh", "-c")


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
    with pytest.raises(ControlRejection) as forbidden:
        Guard(key).check(request(ELSEWHERE, authorization=authorization))
    assert forbidden.value.status == 401
    assert forbidden.value.headers[0][0] == "WWW-Authenticate"


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "http://azcred:9"}, {"sec_fetch_site": "same-site"}],
)
def test_a_key_does_not_let_other_pages_in(headers: dict[str, str]) -> None:
    """A browser sends what its user has typed in for every page."""
    with pytest.raises(ControlRejection, match="pages of other origins"):
        Guard("sesame").check(request(ELSEWHERE, "POST", authorization=basic("sesame"), **headers))
    Guard("sesame").check(request(ELSEWHERE, "POST", authorization=basic("sesame"), origin="http://azcred:8400"))


@pytest.mark.parametrize(
    ("host", "known"),
    [("azcred:8400", True), ("localhost", True), ("[::1]:80", True), ("evil.example", False), ("", False)],
)
def test_it_answers_under_its_own_names(host: str, known: bool) -> None:
    """Those that were configured, and those of this machine."""
    assert Guard(names=["azcred"]).knows(request("127.0.0.1", host=host)) is known


@pytest.mark.slow
def test_the_proxy_makes_nobody_one_of_this_machine() -> None:
    """Neither port does: a tunnel is judged by where it comes from, not by who passes it on."""
    set_up = f'ip link set lo up && ip address add {ELSEWHERE}/32 dev lo && exec "$@"'
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("unshare (util-linux) or ip (iproute2) is not installed")
    if subprocess.run([*IN_A_NAMESPACE, set_up, "", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let its users make namespaces")
    script = [*IN_A_NAMESPACE, set_up, "", sys.executable, "-c", AS_ANOTHER_MACHINE, ELSEWHERE]
    result = subprocess.run(script, capture_output=True, text=True, check=False)
    refused = "Tunnel connection failed: 403 Forbidden"
    assert (result.stdout.splitlines(), result.stderr) == (["401", "401", refused, "400", "404", refused], "")
