"""`pytest_azcred.environment` as a decorator and with `async with`: nothing is green because its body never ran."""

from __future__ import annotations

import pytest

PRELUDE = """
import unittest

import pytest
import pytest_azcred
from azure.identity import ManagedIdentityCredential

def token():
    with ManagedIdentityCredential() as credential:
        return credential.get_token("https://vault.azure.net/.default").token
"""


def run(pytester: pytest.Pytester, suite: str, *options: str) -> pytest.RunResult:
    """Run a suite as its user would."""
    pytester.makepyfile(PRELUDE + suite)
    return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-p", "no:randomly", *options)


def test_functions_and_coroutines(pytester: pytest.Pytester) -> None:
    """Their bodies run inside, in either order with the marks of other plugins, and a failure fails."""
    result = run(
        pytester,
        """
@pytest_azcred.environment("virtual-machine")
def test_function():
    assert token()

@pytest.mark.asyncio
@pytest_azcred.environment("virtual-machine")
async def test_coroutine():
    assert token()

@pytest_azcred.environment("virtual-machine")
@pytest.mark.asyncio
async def test_other_order():
    assert token()

@pytest.mark.anyio
@pytest_azcred.environment("virtual-machine")
async def test_anyio():
    async with pytest_azcred.environment("developer-azure-cli") as azcred:
        assert token()
        azcred.journal.assert_tokens(host="imds", times=1)

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.asyncio
@pytest_azcred.environment("virtual-machine")
async def test_failing():
    assert False, "the body runs"
""",
        "-p",
        "anyio",
    )
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*the body runs*"])


def test_test_cases(pytester: pytest.Pytester) -> None:
    """Each test of a case is inside, its set-up and clean-up included, and so are asynchronous ones."""
    result = run(
        pytester,
        """
@pytest_azcred.environment("virtual-machine")
class Whole(unittest.TestCase):
    def setUp(self):
        self.token = token()
        self.addCleanup(token)

    def test_token(self):
        assert self.token

    def test_failing(self):
        assert False, "the body runs"

class Asynchronous(unittest.IsolatedAsyncioTestCase):
    @pytest_azcred.environment("virtual-machine")
    async def test_token(self):
        assert token()

    @pytest_azcred.environment("virtual-machine")
    async def test_failing(self):
        assert False, "this body runs, too"
""",
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*the body runs*", "*this body runs, too*"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def generator():\n    yield", "generator is a generator, whose body runs when the environment has ended"),
        ("async def generator():\n    yield", "write `with pytest_azcred.environment('virtual-machine'):` in its body"),
        ("class Plain:\n    pass", "Plain is neither a unittest.TestCase nor a class with test methods"),
        ("@staticmethod\ndef function():\n    pass", "put it below the others"),
    ],
)
def test_what_cannot_be_decorated(pytester: pytest.Pytester, code: str, message: str) -> None:
    """It is a TypeError of the module, with what to write instead."""
    result = run(pytester, f"@pytest_azcred.environment('virtual-machine')\n{code}\n\ndef test_it():\n    pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"E   TypeError: *{message.replace('[', '[[]')}*"])


def test_a_coroutine_that_is_only_made_inside(pytester: pytest.Pytester) -> None:
    """A function that hands out a coroutine would have it run outside."""
    result = run(
        pytester,
        """
async def body():
    assert False

@pytest_azcred.environment("virtual-machine")
def test_it():
    return body()
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*TypeError: test_it returned a coroutine*on the coroutine function itself"])


def test_a_wrong_name_and_one_that_is_forgotten(pytester: pytest.Pytester) -> None:
    """The first is an error where it is written; the second warns there."""
    result = run(
        pytester,
        """
def test_forgotten():
    pytest_azcred.environment("virtual-machine")

def test_wrong():
    with pytest.raises(LookupError, match="did you mean 'kubernetes'"):
        pytest_azcred.environment("kubernets")
""",
        "-W",
        "default",
    )
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*environment('virtual-machine') was neither entered nor used as a decorator*"])
