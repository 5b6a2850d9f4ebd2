"""Other mocking libraries in the same test: what the report says when they kept the app from the emulators."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TypeVar

import pytest

from pytest_azcred.other_mocks import LIBRARIES

_Key = TypeVar("_Key")

APP = """
import asyncio
import contextlib

import pytest
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncCredential

SCOPE = "https://vault.azure.net/.default"

def token():
    with DefaultAzureCredential(retry_total=0) as credential:
        return credential.get_token(SCOPE)

async def async_token():
    async with AsyncCredential(retry_total=0) as credential:
        return await credential.get_token(SCOPE)
"""

# Whether the library is still active when the test has failed, and how it got there.
ACTIVE = {
    "responses": """
import responses

@pytest.fixture
def orders():
    with responses.RequestsMock() as orders:
        yield orders

def test_it(fake_kubernetes, orders):
    token()
""",
    "requests-mock": """
def test_it(fake_kubernetes, requests_mock):
    token()
""",
    "aioresponses": """
from aioresponses import aioresponses

@pytest.fixture
def orders():
    with aioresponses() as orders:
        yield

def test_it(fake_kubernetes, orders):
    asyncio.run(async_token())
""",
    "vcrpy": """
@pytest.mark.vcr
def test_it(fake_kubernetes):
    token()
""",
    "respx": """
import httpx

def test_it(fake_kubernetes, respx_mock):
    httpx.get("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration")
""",
    "pytest-httpx": """
import httpx

@pytest.mark.httpx_mock(assert_all_requests_were_expected=False)
def test_it(fake_kubernetes, httpx_mock):
    with contextlib.suppress(httpx.TimeoutException):
        httpx.get("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration")
    raise AssertionError("the app has no keys")
""",
    "pook": """
import pook

@pytest.fixture
def orders():
    pook.on()
    yield
    pook.off()

def test_it(fake_kubernetes, orders):
    token()
""",
    "httpretty": """
import httpretty

@pytest.fixture
def orders():
    with httpretty.enabled(allow_net_connect=False):
        yield

def test_it(fake_kubernetes, orders):
    token()
""",
    "pytest-recording": """
@pytest.mark.block_network
def test_it(fake_kubernetes):
    token()
""",
    "pytest-socket": """
@pytest.mark.allow_hosts(["127.0.0.9"])
def test_it(fake_kubernetes):
    token()
""",
}
ENDED = {
    ("a with", "responses"): """
import responses

def test_it(fake_kubernetes):
    with responses.RequestsMock():
        token()
""",
    ("a name of its own", "requests-mock"): """
from requests_mock import Mocker

def test_it(fake_kubernetes):
    with Mocker():
        token()
""",
    ("a decorator", "responses"): """
import responses

@responses.activate
def test_it(fake_kubernetes):
    token()
""",
    ("a decorator of a coroutine", "vcrpy"): """
import vcr

@pytest.mark.asyncio
@vcr.use_cassette("orders.yaml", record_mode="none")
async def test_it(fake_kubernetes):
    await async_token()
""",
    ("an error that quotes it", "vcrpy"): """
@contextlib.contextmanager
def orders():
    import vcr
    with vcr.use_cassette("orders.yaml", record_mode="none"):
        yield

def test_it(fake_kubernetes):
    with orders():
        token()
""",
    ("an error that the app has handled", "requests-mock"): """
import requests_mock

def test_it(fake_kubernetes):
    with requests_mock.Mocker():
        try:
            token()
        except Exception:
            page = "no token today"
    assert page == "welcome"
""",
}
INNOCENT = {
    "imported and not used": """
import responses

def test_it(azcred):
    token()
""",
    "let the requests through": """
import responses

@responses.activate
def test_it(fake_kubernetes):
    responses.add_passthru("http")
    token()
    assert False
""",
    "an error without a text, its own cause": """
import responses

class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")

def test_it(azcred):
    with responses.RequestsMock():
        error = Unprintable()
        error.__cause__ = error
        raise error
""",
}


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs of pytest with every plugin that is installed."""
    monkeypatch.delenv("PYTEST_ADDOPTS")
    return pytester


def reports(pytester: pytest.Pytester, tests: Mapping[_Key, str]) -> dict[_Key, list[str]]:
    """Run tests, of which each fails, in one process, and return the libraries that each one's report names."""
    for number, test in enumerate(tests.values()):
        pytester.makepyfile(**{f"test_{number}": APP + test.replace("def test_it", f"def test_{number}")})
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider")
    assert result.parseoutcomes()["failed"] == len(tests)
    output = str(result.stdout)
    found: dict[_Key, list[str]] = {}
    for number, name in enumerate(tests):
        [report] = re.findall(rf"^_+ test_{number} _+$(.*?)^(?:_{{3,}}|=+) \w", output, re.MULTILINE | re.DOTALL)
        libraries = [library for library in LIBRARIES if f"The test uses {library.name}, " in report]
        assert all(library.remedy in report for library in libraries)
        found[name] = [library.name for library in libraries]
    return found


def installed(name: str) -> bool:
    """Return whether a library is installed."""
    [package] = [library.package for library in LIBRARIES if library.name == name]
    return find_spec(package) is not None


def test_libraries_that_are_active(pytester: pytest.Pytester) -> None:
    """Each is named with what helps; the others, which are imported as well, are not."""
    assert set(ACTIVE) == {library.name for library in LIBRARIES}
    tests = {name: test for name, test in ACTIVE.items() if installed(name)}
    assert reports(pytester, tests) == {name: [name] for name in tests}


def test_libraries_that_are_no_longer_active(pytester: pytest.Pytester) -> None:
    """When the report is made, a `with` and a decorator have ended; the error came through them."""
    tests = {key: test for key, test in ENDED.items() if installed(key[1])}
    assert reports(pytester, tests) == {key: [key[1]] for key in tests}


def test_a_library_that_is_not_to_blame(pytester: pytest.Pytester) -> None:
    """It is not named; and a report is made of any error."""
    if not installed("responses"):
        pytest.skip("responses is not installed; run: pip install responses")
    expected: dict[str, list[str]] = {name: [] for name in INNOCENT}
    expected["an error without a text, its own cause"] = ["responses"]
    assert reports(pytester, INNOCENT) == expected
