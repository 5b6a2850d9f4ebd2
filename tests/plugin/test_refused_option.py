"""`azcred_refused = unreachable`: a refused host looks like one without a network, and is named all the same."""

from __future__ import annotations

import pytest

SUITE = """
import asyncio
import subprocess
import sys

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncClient

URL = "https://orders.vault.azure.net"

def read():
    with DefaultAzureCredential() as credential:
        with SecretClient(URL, credential, retry_total=0) as client:
            client.get_secret("name")

async def read_async():
    async with AsyncCredential() as credential, AsyncClient(URL, credential, retry_total=0) as client:
        await client.get_secret("name")

@pytest.mark.parametrize("half", ["sync", "aio"])
def test_the_error(azcred, fake_kubernetes, half):
    with pytest.raises({error}) as caught:
        read() if half == "sync" else asyncio.run(read_async())
    assert "azcred refused a connection to 'orders.vault.azure.net" in str(caught.value)
    assert all(host.startswith("orders.vault.azure.net") for host in azcred.journal.refused)
    assert "Refused were connections to orders.vault.azure.net" in str(azcred.journal)

def test_that_swallows_it(azcred, fake_kubernetes):
    try:
        read()
    except Exception:
        pass

def test_whose_child_swallows_it(azcred):
    code = "import socket\\ntry: socket.create_connection(('www.contoso.com', 80))\\nexcept Exception: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert azcred.journal.refused == ["www.contoso.com:80"]

def test_the_next_one(azcred):
    assert azcred.journal.refused == []

def test_that_fails(azcred):
    try:
        read()
    except Exception:
        assert not "what fails"
"""


@pytest.mark.parametrize(
    ("refused", "error"), [("unreachable", "ServiceRequestError"), ("error", "RuntimeError")], ids=["option", "default"]
)
def test_a_refused_host(pytester: pytest.Pytester, refused: str, error: str) -> None:
    """azure-core takes it for a failure of the network; journal and summary name it, whatever the app does with it."""
    pytester.makepyfile(test_suite=SUITE.replace("{error}", error))
    pytester.makeini(f"[pytest]\nazcred_refused = {refused}\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "Refused were connections to orders.vault.azure.net*",
            "refused: orders.vault.azure.net*, * times, in test_suite.py::test_the_error*",
            "refused: www.contoso.com:80, 1 time, in test_suite.py::test_whose_child_swallows_it",
        ]
    )


def test_without_a_fixture(pytester: pytest.Pytester) -> None:
    """In a run that is isolated as a whole, with workers, too."""
    pytester.makepyfile(
        """
        import socket

        def test_that_swallows_it():
            try:
                socket.create_connection(("www.contoso.com", 80))
            except OSError:
                pass
        """
    )
    pytester.makeini("[pytest]\nazcred_isolate = true\nazcred_refused = unreachable\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n1")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["refused: www.contoso.com:80, 1 time, outside of tests or in a worker"])


def test_with_a_fixture_and_without(pytester: pytest.Pytester) -> None:
    """The emulators' record and that of the isolated run are two; each test has what it was refused itself."""
    pytester.makepyfile(
        """
        import socket

        def try_to_reach(host):
            try:
                socket.create_connection((host, 80))
            except RuntimeError:
                pass

        def test_without():
            try_to_reach("first.contoso.com")

        def test_with(azcred):
            try_to_reach("second.contoso.com")
        """
    )
    pytester.makeini("[pytest]\nazcred_isolate = true\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(
        [
            "refused: first.contoso.com:80, 1 time, in *::test_without",
            "refused: second.contoso.com:80, 1 time, in *::test_with",
        ]
    )


def test_another_value(pytester: pytest.Pytester) -> None:
    """It is refused before any test runs."""
    pytester.makeini("[pytest]\nazcred_refused = unreachabel\n")
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: azcred_refused is 'error' or 'unreachable', not 'unreachabel'"])
