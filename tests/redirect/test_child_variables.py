"""Programs that a test starts and that nothing redirects find a proxy in their variables; the test does not."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_azcred.azcred import Azcred
from pytest_azcred.child_proxy import ChildProxy
from pytest_azcred.redirect.child_variables import ChildVariables

pytestmark = pytest.mark.slow

IMDS = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
DOCUMENT = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
AUTHORITIES = ("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
CURL = ("curl", "--silent", "--show-error")

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


def run(*command: str, **keywords: object) -> str:
    """Return what a program writes."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, **keywords)  # type: ignore[call-overload]
    return str(result.stdout + result.stderr)


def variables(**keywords: object) -> dict[str, str]:
    """Return what a program finds in its variables that Python does not redirect."""
    return dict(
        json.loads(run(sys.executable, "-I", "-c", "import json, os; print(json.dumps(dict(os.environ)))", **keywords))
    )


@needs_curl
def test_curl_finds_the_metadata_service(azcred: Azcred) -> None:
    """In a place that has one; elsewhere it is unreachable, which is no news."""
    assert "the metadata service is unreachable" in run(*CURL, "--header", "Metadata: true", IMDS)
    azcred.environment("virtual-machine")
    assert "access_token" in json.loads(run(*CURL, "--header", "Metadata: true", IMDS))
    azcred.journal.assert_tokens(host="imds", times=1)
    assert not azcred.journal.refused


@needs_curl
def test_curl_trusts_the_token_service(azcred: Azcred) -> None:
    """Whose certificate the emulators' own authority has issued."""
    assert "token_endpoint" in json.loads(run(*CURL, DOCUMENT))
    (entry,) = azcred.journal.requests()
    assert entry.server_name == "login.microsoftonline.com"


@needs_curl
def test_curl_follows_the_tests_routes(azcred: Azcred, httpserver: object) -> None:
    """Those that the test has added."""
    url = httpserver.url_for("/")  # type: ignore[attr-defined]
    httpserver.expect_request("/orders").respond_with_data("one order")  # type: ignore[attr-defined]
    azcred.route("orders.contoso.com", url.rstrip("/"))
    assert run(*CURL, "http://orders.contoso.com/orders") == "one order"
    assert run(*CURL, "https://orders.contoso.com/orders") == "one order"
    assert run(*CURL, f"{url}orders") == "one order"


@needs_curl
def test_everything_else_is_refused(azcred: Azcred) -> None:
    """With the usual sentence, and in the journal."""
    said = run(*CURL, "http://www.example.com/")
    assert "azcred refused a connection to 'www.example.com:80'" in said
    assert 'azcred.route("www.example.com", "http://127.0.0.1:PORT")' in said
    assert "403" in run(*CURL, "https://www.example.com/")
    assert azcred.journal.refused == ["www.example.com:80", "www.example.com:443"]


def test_the_test_does_not_see_them(azcred: Azcred) -> None:
    """Its clients are redirected, and would take the proxy for a setting of their own."""
    assert not set(PROXIES) & set(os.environ)
    found = variables()
    assert set(PROXIES) < set(found)
    assert len({found[name] for name in AUTHORITIES}) == 1
    assert variables(env=dict(os.environ)) == found
    assert "user.home" in found["JAVA_TOOL_OPTIONS"]


def test_a_command_of_the_shell(azcred: Azcred, tmp_path: Path) -> None:
    """By `os.system`, it has all of them, too, and OpenSSL in this process finds its own afterwards."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    before = getenv(b"SSL_CERT_FILE")
    os.system(f"env > {tmp_path / 'found'}")
    found = dict(line.split("=", 1) for line in (tmp_path / "found").read_text().splitlines())
    assert {name: found.get(name) for name in AUTHORITIES} == {name: variables()[name] for name in AUTHORITIES}
    assert getenv(b"SSL_CERT_FILE") == before


@pytest.mark.parametrize("client", ["requests", "httpx", "aiohttp"])
def test_a_child_python_does_not_see_them(azcred: Azcred, client: str) -> None:
    """Nor do its clients; what it starts does."""
    fetch = {
        "requests": f"import requests; print(requests.get({DOCUMENT!r}).status_code)",
        "httpx": f"import httpx; print(httpx.get({DOCUMENT!r}).status_code)",
        "aiohttp": f"""
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession(trust_env=True) as session, session.get({DOCUMENT!r}) as response:
        print(response.status)
asyncio.run(main())
""",
    }
    program = f"""
import os, subprocess, sys
print([name for name in os.environ if "proxy" in name.lower()], flush=True)
subprocess.run([sys.executable, "-I", "-c", "import os; print(os.environ['http_proxy'])"])
{fetch[client]}
"""
    seen, proxy, status = run(sys.executable, "-c", program).splitlines()
    assert (seen, proxy, status) == ("[]", variables()["http_proxy"], "200")
    assert not azcred.journal.refused


def test_an_environment_made_from_nothing(azcred: Azcred) -> None:
    """It stays as it is."""
    assert not set(PROXIES) & set(variables(env={}))


def test_a_proxy_of_the_tests_own(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed on, and what differs in case only does not contradict it; afterwards ours is back."""
    ours = variables()["http_proxy"]
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for found in variables(), variables(env=dict(os.environ)):
        assert found["HTTP_PROXY"] == "http://127.0.0.1:9"
        assert "http_proxy" not in found
        assert found["https_proxy"] == ours
    monkeypatch.undo()
    assert variables()["HTTP_PROXY"] == variables(env=dict(os.environ))["http_proxy"] == ours


def from_c() -> str:
    """Return what programs inherit that no function of Python starts."""
    return run(sys.executable, "-I", "-c", "import os; print(os.environ.get('http_proxy'))", env=None).strip()


def test_layers() -> None:
    """The innermost counts, and everything is as before in the end."""
    before = from_c()
    outer, inner = ChildVariables({"http_proxy": "outer"}), ChildVariables({"http_proxy": "inner"})
    popen: Callable[..., object] = subprocess.Popen.__init__
    outer.set()
    assert from_c() == "outer"
    inner.set()
    assert from_c() == "inner"
    inner.unset()
    assert from_c() == "outer"
    outer.unset()
    assert from_c() == before
    assert subprocess.Popen.__init__ is popen


@needs_curl
def test_between_two_tests() -> None:
    """A program that outlives its test is refused."""
    proxy = ChildProxy()
    proxy.start()
    try:
        said = run(*CURL, "--proxy", f"http://127.0.0.1:{proxy.address[1]}", "http://www.example.com/")
    finally:
        proxy.stop()
    assert "the test that has started this program is over" in said


@needs_curl
def test_before_it_starts() -> None:
    """Its port is taken, and refuses connections."""
    proxy = ChildProxy()
    said = run(*CURL, "--proxy", f"http://127.0.0.1:{proxy.address[1]}", "http://www.example.com/")
    proxy.stop()
    assert "curl: (7)" in said
