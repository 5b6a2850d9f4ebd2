"""How much of the library one call passes through: chain, credential, cache, request, and nothing besides."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from credentials.fakes import VAULT

from pytest_azcred import credentials
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import DefaultAzureCredential

_FOLDER = Path(credentials.__file__).parent
_GRAPH = "https://graph.microsoft.com/.default"


def calls_of(action: Callable[[], object]) -> list[tuple[str, str]]:
    """The library's functions that are called meanwhile, by module and name."""
    calls: list[tuple[str, str]] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(_FOLDER):
            calls.append((str(path.relative_to(_FOLDER)), frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def test_a_call_goes_one_way(azcred: Azcred) -> None:
    """The first one on App Service, where two links say before that they are unavailable; and one for another scope."""
    azcred.environment("app-service")
    DefaultAzureCredential().get_token(VAULT)  # what it imports is not counted
    chain = DefaultAzureCredential()
    first = calls_of(lambda: chain.get_token(VAULT))
    assert len({module for module, _ in first}) <= 12, first
    assert len(first) <= 64, first
    another = calls_of(lambda: chain.get_token(_GRAPH))
    assert len({module for module, _ in another}) <= 10, another
    assert len(another) <= 42, another


def test_a_known_call_goes_no_way_at_all(azcred: Azcred) -> None:
    """Neither to the credential that won nor to its cache."""
    azcred.environment("app-service")
    chain = DefaultAzureCredential()
    chain.get_token(VAULT)
    assert calls_of(lambda: chain.get_token(VAULT)) == [("credential.py", "get_token")]
    assert calls_of(lambda: chain.get_token_info(VAULT)) == [("credential.py", "get_token_info")]


def test_what_nobody_wants_explained_is_not_explained(azcred: Azcred) -> None:
    """A token costs no search for tools, remedies and variables."""
    azcred.environment("app-service")
    modules = {module for module, _ in calls_of(lambda: DefaultAzureCredential().get_token(VAULT))}
    assert modules.isdisjoint({"attempts.py", "explanation.py", "remedies.py"})
