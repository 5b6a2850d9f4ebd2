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

@pytest_azcred.environment("virtual-machine")
@pytest.mark.anyio
async def test_anyio_in_the_other_order():
    assert token()

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
    result.assert_outcomes(passed=5, failed=1)
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


CASES = """
from contextlib import asynccontextmanager
from pytest_azcred.run import present_run

def place():
    return present_run().scopes[-1].place.environment.name

@pytest_azcred.environment("virtual-machine")
class Decorated(unittest.TestCase):
    def test_failing(self):
        assert token() and False

    def test_idle(self):
        pass

    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                assert number < 2 or token()

    def test_failing_subtest(self):
        for number in range(2):
            with self.subTest(number=number):
                assert token() and number

class Subclass(Decorated):
    def test_place(self):
        assert token() and place() == "virtual-machine"

@pytest_azcred.environment("app-service")
class DecoratedSubclass(Decorated):
    def test_place(self):
        assert token() and place() == "app-service"

@pytest.mark.azcred("virtual-machine")
class Marked(unittest.TestCase):
    def test_failing(self):
        assert token() and False

    def test_idle(self):
        pass

class Method(unittest.TestCase):
    @pytest_azcred.environment("virtual-machine")
    def test_failing(self):
        assert token() and False

    @pytest_azcred.environment("virtual-machine")
    def test_idle(self):
        pass

@pytest_azcred.environment("virtual-machine")
class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.token = token()
        self.addAsyncCleanup(self.clean)

    async def clean(self):
        assert token() and place() == "virtual-machine"

    @asynccontextmanager
    async def elsewhere(self):
        async with pytest_azcred.environment("app-service"):
            yield token()

    async def test_coroutine(self):
        manager = self.elsewhere()
        assert await manager.__aenter__() and place() == "app-service"
        await manager.__aexit__(None, None, None)

    def test_function(self):
        assert self.token

    async def test_failing(self):
        assert False

@unittest.skipUnless(hasattr(unittest.TestCase, "enterClassContext"), "Python 3.11 has it")
class Entered(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.azcred = cls.enterClassContext(pytest_azcred.environment("virtual-machine"))

    async def asyncSetUp(self):
        self.inner = await self.enterAsyncContext(pytest_azcred.environment("app-service"))

    async def test_coroutine(self):
        assert token() and place() == "app-service"

    async def test_failing(self):
        assert token() and False

@unittest.skipUnless(hasattr(unittest.TestCase, "enterClassContext"), "Python 3.11 has it")
class ClassWide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.azcred = cls.enterClassContext(pytest_azcred.environment("virtual-machine"))

    def test_failing(self):
        assert token() and False
"""
# Of the suite above, those without the two classes that need Python 3.11.
FAILED = {
    *("Decorated::test_failing", "Subclass::test_failing", "DecoratedSubclass::test_failing"),
    *("Marked::test_failing", "Method::test_failing", "Asynchronous::test_failing"),
}
IDLE = {
    *("Decorated::test_idle: virtual-machine", "Subclass::test_idle: virtual-machine"),
    *("DecoratedSubclass::test_idle: app-service", "Marked::test_idle: virtual-machine"),
    "Method::test_idle: virtual-machine",
}


@pytest.mark.parametrize(
    "options",
    [("-p", "no:xdist"), ("-n", "2", "-p", "randomly", "--reruns", "1", "--timeout", "60")],
    ids=["alone", "with-others"],
)
def test_reports_of_test_cases(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """Whatever put them into an environment: a failed one shows its requests, and one that is idle is counted."""
    pytester.makepyfile(PRELUDE + CASES)
    result = pytester.runpytest_subprocess("-v", "-rf", "-p", "no:cacheprovider", *options)
    failed = {line.split("::", 1)[1].split(" - ")[0] for line in result.outlines if line.startswith("FAILED ")}
    new = {"Entered::test_failing", "ClassWide::test_failing"}
    assert failed - new == FAILED
    assert {line.split("::", 1)[1] for line in result.outlines if "::test_idle: " in line} == IDLE
    subtests = sum(line.startswith("SUBFAIL") for line in result.outlines)
    journals = sum(line.startswith("The emulators got these requests") for line in result.outlines)
    assert journals == len(failed) + subtests
    assert sum("passed in an environment that the test names" in line for line in result.outlines) == 1


def test_plain_classes(pytester: pytest.Pytester) -> None:
    """Each test is inside, with what is called before and after it; the nearest environment is the one it is in."""
    result = run(
        pytester,
        """
from pytest_azcred.run import present_run

def place():
    return present_run().scopes[-1].place.environment.name

@pytest_azcred.environment("virtual-machine")
class TestPlain:
    PLACE = "virtual-machine"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def wide(cls):
        with pytest_azcred.environment("app-service"):
            yield place()

    def setup_method(self):
        assert token() and place() == self.PLACE

    def teardown_method(self):
        assert token() and place() == self.PLACE

    @pytest.mark.parametrize("number", [1, 2])
    def test_parameters(self, azcred, number, wide):
        assert wide == "app-service"
        azcred.journal.assert_tokens(provider="managed-identity", times=1)

    @pytest.mark.asyncio
    async def test_asyncio(self):
        assert token() and place() == self.PLACE

    @pytest_azcred.environment("kubernetes")
    def test_own(self):
        assert place() == "kubernetes"

    def test_failing(self):
        assert False, "the body runs"

class TestSubclass(TestPlain):
    pass

@pytest_azcred.environment("functions")
class TestDecoratedSubclass(TestPlain):
    PLACE = "functions"

@pytest_azcred.environment("virtual-machine")
class TestOuter:
    def test_outer(self):
        assert place() == "virtual-machine"

    class TestNested:
        def test_nested(self):
            assert token() and place() == "virtual-machine"

    @pytest_azcred.environment("app-service")
    class TestDecorated:
        def test_nested(self):
            assert token() and place() == "app-service"

@pytest_azcred.environment("app-service")
@pytest_azcred.environment("virtual-machine")
def test_two(azcred):
    assert token()
    azcred.journal.assert_tokens(host="imds", times=1)

@pytest_azcred.environment("virtual-machine")
async def test_without_a_mark():
    assert token()

@pytest_azcred.environment("virtual-machine")
async def test_without_a_mark_failing():
    assert False, "the body runs"
""",
        *("-o", "asyncio_mode=auto"),
    )
    result.assert_outcomes(passed=4 * 3 + 5, failed=4)


def test_a_class_that_is_decorated_twice(pytester: pytest.Pytester) -> None:
    """It is refused, for only one of the two could hold."""
    result = run(
        pytester,
        """
@pytest_azcred.environment("app-service")
@pytest_azcred.environment("virtual-machine")
class TestTwice:
    def test_nothing(self):
        pass
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*TypeError: TestTwice is decorated twice: name all environments in one decorator"])
