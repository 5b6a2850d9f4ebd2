"""After the fixture everything is as it was before, whatever became of the test."""

from __future__ import annotations

import _socket
import gc
import os
import socket
import ssl
import sys
import threading
from asyncio.base_events import BaseEventLoop
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycares
import pytest
import uvloop

import pytest_azcred
from azcred_emulators.emulators import Emulators
from pytest_azcred.azcred import Azcred

pytestmark = pytest.mark.slow

OWNERS = (_socket, socket, socket.socket, ssl, ssl.SSLContext, BaseEventLoop, uvloop.Loop, pycares.Channel)


def state() -> dict[str, Any]:
    """Return everything that the fixture touches while it is active."""
    gc.collect()
    return {
        **{f"attributes of {owner}": dict(vars(owner)) for owner in OWNERS},
        "sys.meta_path": list(sys.meta_path),
        "sys.path": list(sys.path),
        "variables": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "threads": set(threading.enumerate()),
        "files": {os.readlink(file) for file in _open_files()} if Path("/proc/self/fd").is_dir() else set(),
    }


def _open_files() -> Iterator[str]:
    for number in os.listdir("/proc/self/fd"):
        file = f"/proc/self/fd/{number}"
        if os.path.lexists(file):
            yield file


@pytest.fixture
def untouched(azcred_emulators: Emulators) -> Iterator[None]:
    """Compare the state before and after the fixture `azcred`, which the test names afterwards."""
    assert azcred_emulators.tokens.key  # the emulators, which last for the whole run, have done their loading
    with pytest_azcred.environment():  # and so has the proxy for children
        pass
    before = state()
    yield
    after = state()
    for key in ("threads", "files"):  # those of earlier tests may end meanwhile
        assert after.pop(key) <= before.pop(key), key
    for key, value in before.items():
        assert after[key] == value, key


@pytest.fixture(params=["early", "late", "both", "neither"])
def patching(request: pytest.FixtureRequest) -> str:
    """When the test uses `monkeypatch` itself."""
    return str(request.param)


@pytest.fixture
def early(patching: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a variable before `azcred` hides it."""
    if patching in ("early", "both"):
        monkeypatch.setenv("AZURE_CLIENT_ID", "the developer's")
        monkeypatch.setenv("HOME", "/somewhere")


def test_nothing(untouched: None, patching: str, early: None, azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables, patches, threads and files are as before, also where the test changes variables itself."""
    assert "AZURE_CLIENT_ID" not in os.environ
    azcred.environment("kubernetes", "virtual-machine")
    azcred.route("myservice.example.com", to="http://127.0.0.1:9")
    if patching in ("late", "both"):
        monkeypatch.setenv("AZURE_CLIENT_ID", "the test's")
        monkeypatch.setenv("HOME", "/elsewhere")
        monkeypatch.delenv("PATH")


FAILING = """
import socket
import ssl
import sys

import pytest

BEFORE = {}

def state():
    return (socket.socket.__dict__.get("connect"), ssl.SSLContext.__dict__.get("_wrap_socket"), socket.gethostbyname,
            list(sys.meta_path))

@pytest.fixture
def failing(azcred):
    raise RuntimeError("a fixture fails")

def test_before():
    BEFORE["state"] = state()

def test_fails(azcred):
    assert state() != BEFORE["state"]
    azcred.environment("kubernetes")
    raise AssertionError

def test_errs(failing):
    pass

def test_after():
    assert state() == BEFORE["state"]
"""


def test_a_failing_test(pytester: pytest.Pytester) -> None:
    """A test or a fixture that fails leaves nothing behind either; pytest-socket, which would, is left out."""
    pytester.makepyfile(FAILING)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:socket")
    result.assert_outcomes(passed=2, failed=1, errors=1)


LATE = """
import sys

def test_imports(azcred):
    assert not {"aiohttp", "aiodns", "pycares", "uvloop"} & set(sys.modules)
    import aiohttp
    import uvloop
    import pycares
    assert "create_connection" in vars(uvloop.Loop)

def test_modules():
    import importlib
    import pycares
    import uvloop
    assert "create_connection" not in vars(uvloop.Loop)
    for module in (pycares, uvloop):
        assert "azcred" not in type(module.__loader__).__module__
        assert module.__loader__ is module.__spec__.loader
    assert pycares.Channel.query.__module__ == "pycares"
    assert importlib.reload(pycares).Channel.query.__module__ == "pycares"
    assert not any("azcred" in type(finder).__module__ for finder in sys.meta_path)
"""


def test_modules_imported_meanwhile(pytester: pytest.Pytester) -> None:
    """A module that was imported and patched during a test is as if it had been imported without."""
    pytester.makepyfile(LATE)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
