"""A test in which an emulator crashes fails at its end, with the traceback."""

import pytest

FAULT = """
from dataclasses import dataclass

import pytest
import pytest_azcred
import requests
from azcred_emulators.emulation.fault import RequestFault


@dataclass(frozen=True, slots=True, repr=False)
class Broken(RequestFault):
    def apply(self, exchange):
        return 1 / 0


def ask(azcred):
    azcred.authority.faults.add(Broken(), operation="keys")
    url = "https://login.microsoftonline.com/common/discovery/keys"
    assert requests.get(url, timeout=30).status_code == 500
    azcred.journal.assert_requests(status=500, fault="Broken", times=1)
"""
TRACEBACK = [
    "*azcred: the emulator 'authority' crashed while it answered GET /common/discovery/keys:*",
    "*return 1 / 0*",
    "*ZeroDivisionError: division by zero*",
]


def test_the_fixture(pytester: pytest.Pytester) -> None:
    """Although the app has taken the 500 for an answer; the next test is not concerned."""
    pytester.makepyfile(f"{FAULT}\n\ndef test_one(azcred):\n    ask(azcred)\n\n\ndef test_two(azcred):\n    pass\n")
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--show-capture=no")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_one*", *TRACEBACK])


def test_without_the_fixture(pytester: pytest.Pytester) -> None:
    """`pytest_azcred.environment` raises it when it ends; what the body raises comes first."""
    pytester.makepyfile(
        f"""{FAULT}

def test_one():
    with pytest_azcred.environment("nothing") as azcred:
        ask(azcred)


def test_two():
    with pytest_azcred.environment("nothing") as azcred:
        ask(azcred)
        assert not "of its own"


@pytest_azcred.environment("nothing")
def test_three():
    pass
"""
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*_ test_one _*", *TRACEBACK, "*_ test_two _*", "*assert not*of its own*", *TRACEBACK])
