"""Clients that the app imports in the middle of a test work like those that are loaded already."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LATER = f"""
import json
import sys

sys.path.append({str(TESTS)!r})

def test_imported_later(azcred):
    assert not {{"aiohttp", "aiodns", "httpx", "pycares", "requests", "trio", "urllib3", "uvloop"}} & set(sys.modules)
    from support.http_clients import CLIENTS
    from redirect.test_clients import DOCUMENT, IMDS_TOKEN
    azcred.environment("virtual-machine")
    for name, client in CLIENTS.items():
        with client() as fetch:
            assert fetch("https://login.microsoftonline.com" + DOCUMENT).status == 200, name
            assert fetch(IMDS_TOKEN).status == 200, name
            try:
                fetch("https://example.com/")
            except Exception as error:
                assert "azcred.route" in repr(error) or "OutsideConnectionError" in repr(error), name
            else:
                raise AssertionError(name)
    azcred.journal.assert_tokens(host="imds", times=len(CLIENTS))
"""


def test_imported_later(pytester: pytest.Pytester) -> None:
    """In a fresh process, each client is first imported when the redirection is at work."""
    pytester.makepyfile(LATER)
    without = [
        f"no:{plugin}" for plugin in ("cacheprovider", "anyio", "schemathesis")
    ]  # these import clients themselves
    result = pytester.runpytest_subprocess(
        *(word for one in without for word in ("-p", one)), "--import-mode=importlib"
    )
    result.assert_outcomes(passed=1)
