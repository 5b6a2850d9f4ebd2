"""Scopes are nested: a wider one begins first, and whatever would break that is refused with what to write."""

import pytest

PRELUDE = """
import os
import pytest
import pytest_azcred
from azure.identity import DefaultAzureCredential

def ask():
    DefaultAzureCredential().get_token("https://vault.azure.net/.default")
"""


def run(pytester: pytest.Pytester, suite: str, *options: str) -> pytest.RunResult:
    """Run a suite as its user would, its tests in their order."""
    pytester.makepyfile(PRELUDE + suite)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly", *options)


def test_a_wider_scope_inside_a_narrower_one(pytester: pytest.Pytester) -> None:
    """Asked for in a test, by a module's second test, and by a fixture of one's own; other tests are not disturbed."""
    result = run(
        pytester,
        """
def test_in_a_test(azcred, request):
    request.getfixturevalue("azcred_session")

@pytest.fixture(scope="session")
def pod():
    with pytest_azcred.environment("kubernetes") as azcred:
        yield azcred

def test_of_ones_own(azcred, request):
    with pytest.raises(RuntimeError, match="is wider than that of .*::test_of_ones_own, which has begun already"):
        request.getfixturevalue("pod")

def test_afterwards(fake_app_service, azcred):
    ask()
    azcred.journal.assert_tokens(host="app-service", times=1)

def test_first_of_the_module(azcred_module):
    pass

@pytest.fixture(scope="package")
def of_the_package():
    with pytest_azcred.environment("kubernetes"):
        yield

def test_second_of_the_module(of_the_package, azcred_module):
    pass
""",
    )
    result.assert_outcomes(passed=3, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*the scope of pytest_azcred.environment('kubernetes') is wider than that of azcred_module, which*",
            "azcred: the scope of azcred_session is wider than that of *::test_in_a_test, which has begun already and "
            "ends first: request the wider one earlier, as a parameter of the test *, or in an autouse fixture",
        ]
    )


def test_a_place_of_an_outer_scope(pytester: pytest.Pytester) -> None:
    """It would lose a part of itself at the end of the inner one; a place of the inner one is its own."""
    result = run(
        pytester,
        """
def test_outer(azcred_session, azcred):
    azcred_session.environment("app-service")

def test_inner(azcred_session, azcred):
    with pytest_azcred.environment() as inner:
        with pytest.raises(RuntimeError, match="cannot put the app into app-service now"):
            azcred.environment("app-service")
        inner.environment("kubernetes")
        ask()
    azcred.environment("app-service")
    ask()
    azcred.journal.assert_providers("workload-identity", "managed-identity")

def test_nothing_is_left(azcred_session):
    assert azcred_session.place is None
    assert "IDENTITY_ENDPOINT" not in os.environ
    azcred_session.environment("app-service")
    ask()
""",
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*the scope of azcred_session cannot put the app into app-service now, because that of *::test_outer has *"]
    )


@pytest.mark.parametrize(("fixture", "scope"), [("azcred", "session"), ("fake_app_service", "module")])
def test_pytests_own_refusal(pytester: pytest.Pytester, fixture: str, scope: str) -> None:
    """`ScopeMismatch`, by which troubleshooting is found."""
    result = run(
        pytester,
        f"""
@pytest.fixture(scope="{scope}")
def client({fixture}):
    pass

def test_client(client):
    pass
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"*ScopeMismatch: You tried to access the function scoped fixture {fixture} with a {scope} scoped request*"]
    )


def test_the_place_of_a_run_is_nobodys_own(pytester: pytest.Pytester) -> None:
    """Tests that name no place do not count as having asked for nothing there, and have a journal of their own."""
    result = run(
        pytester,
        """
def test_asks(azcred):
    ask()

def test_asks_for_nothing(azcred):
    assert azcred.place.environment.name == "kubernetes"

def test_fails(azcred):
    assert False
""",
        "--azcred-environment=kubernetes",
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.no_fnmatch_line("*asked for no token*")
    result.stdout.fnmatch_lines(["The emulators got no request."])


def test_the_place_of_a_run_is_there_before_other_plugins(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin such as pytest-django imports the app's settings before any conftest, and first of all plugins."""
    pytester.makepyfile(
        settings_plugin="""
import pytest
from azure.identity import DefaultAzureCredential

CREDENTIALS = []

@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests():
    CREDENTIALS.append(DefaultAzureCredential())
""",
        test_settings="""
import settings_plugin

def test_the_credential_of_the_settings(azcred):
    settings_plugin.CREDENTIALS[0].get_token("https://vault.azure.net/.default")
    azcred.journal.assert_tokens(provider="workload-identity", times=1)
""",
    )
    monkeypatch.setenv("PYTEST_PLUGINS", "settings_plugin")  # is loaded after those that are installed
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    pytester.runpytest_subprocess("--azcred-environment=kubernetes").assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [0, 2])
def test_coverage_and_explanations_in_a_session(pytester: pytest.Pytester, workers: int) -> None:
    """What a session's fixture asks for is covered, and the chain explains itself there; each worker has a session."""
    result = run(
        pytester,
        """
from pytest_azcred.credentials import DefaultAzureCredential as Chain

@pytest.fixture(scope="session", autouse=True)
def explanation(azcred_session):
    azcred_session.environment("app-service")
    ask()
    with Chain() as chain:
        return str(chain.explain("https://vault.azure.net/.default"))

@pytest.mark.parametrize("number", range(4))
def test_explained(explanation, azcred_session, azcred, number):
    assert "a token from ManagedIdentityCredential" in explanation
    azcred_session.journal.assert_tokens(host="app-service")
    azcred.journal.assert_requests(times=0)
    with Chain() as chain:
        assert "a token from ManagedIdentityCredential" in str(chain.explain("https://vault.azure.net/.default"))
""",
        "--azcred-coverage",
        *([f"-n{workers}"] if workers else ["-p", "no:xdist"]),
    )
    result.assert_outcomes(passed=4)
    result.stdout.re_match_lines([r"managed-identity +[1-9]\d* .*", ".*app-service.*"])
