"""Tests that name an environment and whose app asks for no token there: counted, listed, or failed."""

from __future__ import annotations

import re

import pytest

SUITE = """
import unittest

import pytest
import pytest_azcred
import requests
from azcred_emulators.environments import ENVIRONMENTS
from azure.identity import DefaultAzureCredential

SCOPE = "https://vault.azure.net/.default"
SHOP = "https://shop.vault.azure.net"
THIRTEEN = [one.name for one in ENVIRONMENTS.values() if one.client_id and not one.browser][:13]
tokens = []

def ask():
    with DefaultAzureCredential() as credential:
        return credential.get_token(SCOPE).token

@pytest.mark.azcred(*THIRTEEN)
def test_thirteen():
    tokens[:] = tokens or [ask()]  # one client for the whole session

@pytest.mark.azcred("kubernetes")
class TestUnit(unittest.TestCase):
    def test_idle(self):
        pass

    def test_busy(self):
        ask()

def test_idle_fixture(fake_app_service):
    pass

def test_idle_call(azcred):
    azcred.environment("azure-arc")

@pytest_azcred.environment("virtual-machine")
def test_idle_decorator():
    pass

@pytest.mark.azcred("kubernetes", strict=False)
def test_idle_on_purpose():
    pass

def test_without_an_identity(azcred):
    azcred.environment("nothing")

def test_without_a_place(azcred):
    pass

@pytest.fixture(scope="class")
def place_of_the_class(azcred_class):
    azcred_class.environment("developer-azure-cli")

@pytest.mark.usefixtures("place_of_the_class")
class TestOuter:
    def test_only_the_outer_place(self, azcred):
        pass

    def test_idle_in_a_place_of_its_own(self, azcred):
        azcred.environment("kubernetes")

class TestOuterUnit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scope = pytest_azcred.environment("virtual-machine")
        cls.scope.__enter__()
        cls.addClassCleanup(cls.scope.__exit__, None, None, None)
        cls.credential = DefaultAzureCredential()
        cls.credential.get_token(SCOPE)

    def test_only_the_outer_place(self):
        assert self.credential.get_token(SCOPE)

    def test_idle_while_the_outer_place_is_asked(self):
        with pytest_azcred.environment("kubernetes"):
            assert self.credential.get_token("https://graph.microsoft.com/.default")

@pytest.mark.azcred("kubernetes")
def test_skipped():
    pytest.skip("nothing to see")

@pytest.mark.azcred("kubernetes")
@pytest.mark.xfail
def test_expected_to_fail():
    assert False

@pytest.mark.azcred("kubernetes")
def test_failing():
    assert not "what fails"

def seen(azcred, **claims):
    azcred.resource(SHOP).answer("GET", "/secrets")
    token = azcred.tokens.mint({"aud": "https://vault.azure.net", **claims}).value
    assert requests.get(f"{SHOP}/secrets", headers={"Authorization": f"Bearer {token}"}).status_code == 200

def test_a_stand_in_saw_a_token(azcred, fake_managed_identity):
    identity = fake_managed_identity.identity
    seen(azcred, appid=identity.client_id, oid=identity.object_id)

def test_a_stand_in_saw_a_users_token(azcred):
    seen(azcred, oid=azcred.environment("developer-azure-cli").user.object_id, scp="user_impersonation")

def test_idle_a_stand_in_saw_anothers_token(azcred, fake_managed_identity):
    seen(azcred, appid=azcred.directory.principal(ENVIRONMENTS["kubernetes"].client_id).client_id)
"""
IDLE = {
    "TestUnit::test_idle",
    "test_idle_fixture",
    "test_idle_call",
    "test_idle_decorator",
    "TestOuter::test_idle_in_a_place_of_its_own",
    "TestOuterUnit::test_idle_while_the_outer_place_is_asked",
    "test_idle_a_stand_in_saw_anothers_token",
}
PASSED = 13 + 15


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the suite in one process, without what its tests do not need."""
    pytester.makepyfile(test_suite=SUITE)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly", *options)


def listed(result: pytest.RunResult) -> list[str]:
    """Return the tests that the summary lists, one for each time."""
    return re.findall(r"^  \S*test_suite\.py::(\S+): \S", result.stdout.str(), re.M)


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n2",)], ids=["one-process", "xdist"])
def test_they_are_counted(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """And listed with -v; the report of one that fails has the sentence, too."""
    result = run(pytester, "-v", *options)
    result.assert_outcomes(passed=PASSED, failed=1, skipped=1, xfailed=1)
    names = listed(result)
    thirteen = [name for name in names if name.startswith("test_thirteen[")]
    # Each process has one client for all of its tests.
    assert len(thirteen) in ((12,) if "-n2" not in options else (11, 12))
    assert {name for name in names if name not in thirteen} == IDLE | {"test_idle_on_purpose[kubernetes]"}
    assert len(names) == len(set(names))
    early = "a credential or client that was created earlier (when a module was imported, *"
    result.stdout.fnmatch_lines(
        [
            f"azcred: the app asked for no token in kubernetes: {early} *",
            f"{len(names)} tests passed in an environment that the test names, and asked for no token: {early} *",
        ]
    )


def test_the_summary_is_short(pytester: pytest.Pytester) -> None:
    """Without -v it says how to see more, and there is none if there is nothing to say."""
    result = run(pytester, "-k", "test_idle_call or test_busy")
    result.stdout.fnmatch_lines(
        [
            "1 test passed in an environment that the test names,*",
            "-v lists them, azcred_strict = true makes them fail.",
        ]
    )
    assert not listed(result)


def test_strict(pytester: pytest.Pytester) -> None:
    """They fail, with the reason, but for those whose marker says that they mean it."""
    result = run(pytester, "-o", "azcred_strict=true", "-rf")
    result.assert_outcomes(passed=PASSED - 12 - len(IDLE), failed=1 + 12 + len(IDLE), skipped=1, xfailed=1)
    failed = set(re.findall(r"^FAILED test_suite\.py::(\S+)", result.stdout.str(), re.M))
    assert {name for name in failed if not name.startswith("test_thirteen[")} == IDLE | {"test_failing[kubernetes]"}
    result.stdout.fnmatch_lines(
        [
            "azcred: the test passed, but its app asked for no token in azure-arc: *. "
            "If this is intended, mark the test with @pytest.mark.azcred(strict=False)."
        ]
    )
