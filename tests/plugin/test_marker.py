"""The marker `azcred`: a test runs once in each of the environments it names."""

from __future__ import annotations

import pytest

from azcred_emulators.environments import ENVIRONMENTS

WHOSE = """
import pytest, jwt
from azure.identity import DefaultAzureCredential

def whose_token():
    with DefaultAzureCredential() as credential:
        token = credential.get_token("https://vault.azure.net/.default").token
    return jwt.decode(token, options={"verify_signature": False})["appid"]
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of its own, in the order in which it is written."""
    pytester.makeini("[pytest]\naddopts = -p no:randomly -p no:cacheprovider --strict-markers\n")
    return pytester


def test_a_function_runs_in_each(run: pytest.Pytester) -> None:
    """The environment is there before the test's other fixtures, and in the test's name."""
    run.makepyfile(
        WHOSE
        + """
@pytest.fixture
def token():
    return whose_token()

@pytest.mark.azcred("kubernetes", "app-service")
def test_starts(token, azcred):
    assert token == azcred.place.identity.client_id

@pytest.mark.azcred("container-apps")
def test_without_a_fixture():
    assert whose_token()

@pytest.mark.azcred("functions", "virtual-machine")
class TestMethods:
    @pytest.mark.parametrize("number", [1, 2])
    def test_method(self, number, azcred):
        assert whose_token() == azcred.place.identity.client_id

    @pytest.mark.azcred("azure-arc")
    def test_nearest_marker(self, azcred):
        assert azcred.place.environment.name == "azure-arc"
"""
    )
    result = run.runpytest_subprocess("-v")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines_random(["*test_starts[[]kubernetes[]]*", "*test_starts[[]app-service[]]*"])


def test_the_name_of_a_fixture(run: pytest.Pytester) -> None:
    """It is as good as the environment's own name, which stands in the test's."""
    run.makepyfile(
        WHOSE
        + """
@pytest.mark.azcred("managed-identity", "workload-identity")
def test_starts(azcred):
    assert whose_token() == azcred.place.identity.client_id
    assert azcred.environment("service-principal").environment.name == "developer-service-principal"
"""
    )
    result = run.runpytest_subprocess("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_starts[[]virtual-machine[]]*", "*test_starts[[]kubernetes[]]*"])


def test_a_star_is_every_environment_with_an_identity(run: pytest.Pytester) -> None:
    """One run for each."""
    run.makepyfile("import pytest\n@pytest.mark.azcred('*')\ndef test_it(azcred): assert azcred.place\n")
    run.runpytest_subprocess("-q").assert_outcomes(passed=sum(bool(one.provider) for one in ENVIRONMENTS.values()))


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("azcred('kubernets')", "did you mean 'kubernetes'?"),
        ("azcred", "takes names of environments"),
        ("azcred()", "takes names of environments"),
        ("azcred(environment='kubernetes')", "takes names of environments"),
    ],
)
def test_a_marker_that_is_wrong_says_so(run: pytest.Pytester, marker: str, message: str) -> None:
    """With the test and the nearest name."""
    run.makepyfile(f"import pytest\n@pytest.mark.{marker}\ndef test_it(): pass\n")
    result = run.runpytest_subprocess("-q")
    assert result.ret != 0
    output = result.stdout.str() + result.stderr.str()
    assert "test_it" in output
    assert message in output
    assert "Traceback" not in output


def test_unittest_runs_in_one(run: pytest.Pytester) -> None:
    """A method of a test case cannot run several times, which an error says."""
    run.makepyfile(
        WHOSE
        + """
import os, unittest

@pytest.mark.azcred("app-service")
class TestApp(unittest.TestCase):
    def test_one(self):
        assert whose_token()
        assert "IDENTITY_ENDPOINT" in os.environ

class TestSeveral(unittest.TestCase):
    @pytest.mark.azcred("app-service", "functions")
    def test_two(self): pass

def test_afterwards():
    assert "IDENTITY_ENDPOINT" not in os.environ
"""
    )
    result = run.runpytest_subprocess("-q")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*runs in one environment; of app-service, functions, name one*"])


def test_the_marker_documents_itself(run: pytest.Pytester) -> None:
    """In `pytest --markers`."""
    run.runpytest_subprocess("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.azcred(*environments, strict=...): run the test *"]
    )
