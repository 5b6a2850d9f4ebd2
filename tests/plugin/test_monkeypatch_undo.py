"""`monkeypatch.undo()` and plugins that put sockets back: neither lifts the isolation, nor brings it back later."""

from __future__ import annotations

import pytest
from support.desktop import listening

SUITE = """
import os
import socket
import subprocess
import sys

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential

SCOPE = "https://vault.azure.net/.default"
CHILD = "import os; print(os.environ.get('AZURE_CLIENT_SECRET'), 'AZCRED' in str(list(os.environ)))"
REAL = "the developer's own"
TENANT = "11111111-1111-4111-8111-111111111111"

def refused():
    with pytest.raises(RuntimeError, match="azcred refused a connection"):
        socket.create_connection(("www.example.com", 80))
    return True

def isolated():
    assert refused()
    assert os.environ.get("AZURE_CLIENT_SECRET") is None
    child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    assert child.stdout.split()[0] == "None"
    return True

@pytest.fixture
def before(monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "another")
    monkeypatch.setenv("SHOP_BEFORE", "set")
    monkeypatch.setattr(socket, "create_connection", socket.create_connection)

@pytest.fixture
def after(azcred, monkeypatch):
    monkeypatch.setenv("AZURE_TENANT_ID", "the app's")
    monkeypatch.setenv("SHOP_AFTER", "set")
    monkeypatch.delenv("HOME")

@pytest.mark.parametrize("order", ["before azcred", "azcred after", "before azcred after", "azcred monkeypatch"])
def test_undo(request, order):
    for name in order.split():
        request.getfixturevalue(name)
    request.getfixturevalue("monkeypatch").undo()
    assert "SHOP_BEFORE" not in os.environ
    assert "SHOP_AFTER" not in os.environ
    assert os.environ["HOME"] != REAL
    assert isolated()
    with pytest.raises(ClientAuthenticationError):
        DefaultAzureCredential().get_token(SCOPE)

def test_in_a_place(monkeypatch, fake_kubernetes):
    monkeypatch.setenv("AZURE_CLIENT_ID", "another")
    monkeypatch.undo()
    DefaultAzureCredential().get_token(SCOPE)
    assert fake_kubernetes.statuses == [200]
    assert isolated()

def test_set_again_after_it(azcred, monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "the test's")
    monkeypatch.undo()
    monkeypatch.setenv("SHOP_BEFORE", "again")
    assert os.environ["SHOP_BEFORE"] == "again"
    assert isolated()

def test_the_developers_own_is_back():
    assert os.environ["AZURE_CLIENT_SECRET"] == REAL
    assert os.environ["AZURE_TENANT_ID"] == TENANT
    assert "SHOP_BEFORE" not in os.environ
"""


def test_undo_in_every_order(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that were set before and after `azcred`, and what was patched before it."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "the developer's own")
    monkeypatch.setenv("AZURE_TENANT_ID", "11111111-1111-4111-8111-111111111111")
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(passed=7)


SESSION = """
import os
import socket

import pytest

@pytest.fixture(scope="session", autouse=True)
def patched():
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AZURE_CLIENT_SECRET", "the suite's")
        monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was made"))
        yield
        assert os.environ["AZURE_CLIENT_SECRET"] == "the suite's"

@pytest.mark.parametrize("number", [1, 2])
def test_isolated(azcred, number):
    assert "AZURE_CLIENT_SECRET" not in os.environ
    with pytest.raises(RuntimeError, match="azcred refused a connection"):
        socket.create_connection(("www.example.com", 80))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AZURE_CLIENT_SECRET", "the test's")
    assert "AZURE_CLIENT_SECRET" not in os.environ

def test_without(monkeypatch):
    assert os.environ["AZURE_CLIENT_SECRET"] == "the suite's"

@pytest.fixture(scope="module")
def wide(azcred_module):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AZURE_CLIENT_ID", "the module's")
        yield

def test_wide(wide, azcred, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="azcred refused a connection"):
        socket.create_connection(("www.example.com", 80))
"""


def test_patches_of_a_session(pytester: pytest.Pytester) -> None:
    """What a session has patched is isolated within tests, and as it was afterwards."""
    pytester.makepyfile(SESSION)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:socket")
    result.assert_outcomes(passed=4)


A_DEVELOPER = """
import os

import pytest
import pytest_azcred

@pytest.fixture
def developer(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://the-developers-own.example.com")

def test_with(developer):
    with pytest_azcred.environment("nothing"):
        assert "HTTP_PROXY" not in os.environ

def test_fixture(developer, request):
    request.getfixturevalue("azcred")
    assert "HTTP_PROXY" not in os.environ

def test_afterwards():
    assert "HTTP_PROXY" not in os.environ
"""


def test_what_a_test_sets_goes_with_it(pytester: pytest.Pytester) -> None:
    """Although it was there before the isolation, and came back after it."""
    pytester.makepyfile(A_DEVELOPER)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(passed=3)


BESIDE_PYTEST_SOCKET = """
import socket

import pytest

def connects():
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect({address!r})
        except RuntimeError:
            return False
    return True

{fixture}

@pytest.mark.parametrize("number", [1, 2, 3])
def test_isolated(number):
    assert not connects()
    assert socket.socket.connect.__module__.startswith('pytest_azcred')
"""


@pytest.mark.parametrize("wide", ["session", "isolate"])
def test_pytest_socket_puts_connect_back(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, wide: str) -> None:
    """After each test, so that a wider isolation has to be put up again."""
    pytest.importorskip("pytest_socket")
    with listening(pytester.path / "bus") as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.bus_address)
        fixture = "@pytest.fixture(scope='module', autouse=True)\ndef wide(azcred_session): pass"
        suite = BESIDE_PYTEST_SOCKET.format(address=bus.address, fixture=fixture if wide == "session" else "")
        pytester.makepyfile(suite)
        isolate = str(wide == "isolate").lower()
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", f"azcred_isolate={isolate}")
        result.assert_outcomes(passed=3)
        assert bus.connections == 0
