"""`azcred run -- pytest`: the suite runs where the command does, and its fixtures work on top."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from support import inner_runs
from support.azcred_run import PYTEST, Ran

APP = """
    import jwt
    from azure.identity import DefaultAzureCredential

    credential = DefaultAzureCredential()

    def identity(credential=credential):
        token = credential.get_token("https://vault.azure.net/.default").token
        return jwt.decode(token, options={"verify_signature": False})["appid"]
"""
SUITE = """
    import app
    import pytest
    from azcred_emulators.environments import find

    HERE = find("{place}").client_id

    def test_where_the_suite_runs():
        assert app.identity() == HERE

    def test_in_a_place_of_its_own(azcred):
        azcred.environment("virtual-machine")
        assert app.identity(app.DefaultAzureCredential()) == find("virtual-machine").client_id
        azcred.journal.assert_tokens(host="imds", times=1)

    def test_fixture(fake_app_service):
        assert app.identity(app.DefaultAzureCredential()) == find("app-service").client_id
        assert fake_app_service.statuses == [200]

    @pytest.mark.azcred("developer-service-principal")
    def test_marker():
        assert app.identity(app.DefaultAzureCredential()) == find("developer-service-principal").client_id

    def test_nothing_is_left_of_these():
        assert app.identity(app.DefaultAzureCredential()) == HERE

    def test_that_fails():
        assert app.identity() == "nobody", "the body runs"
"""
ISOLATED = ("-o", "azcred_isolate=true")


@pytest.fixture
def suite_run(
    pytester: pytest.Pytester, azcred_run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run a suite with `azcred run` in a pod; the options are pytest's, and what remains are variables."""
    # pytest-asyncio leaves a loop open, and has a warning of its own.
    monkeypatch.setenv("PYTEST_ADDOPTS", f"{inner_runs.options()} -pno:asyncio")
    pytester.makepyfile(app=APP)

    def run(*options: str, suite: str = SUITE, place: str = "kubernetes", **variables: str) -> Ran:
        pytester.makepyfile(test_app=suite.replace("{place}", place))
        environ = {**os.environ, **variables}
        return azcred_run(*PYTEST, *options, environments=("kubernetes",), cwd=pytester.path, env=environ)

    return run


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ((), {}),
        (ISOLATED, {}),
        ((*ISOLATED, "-n", "2"), {}),
        ((*ISOLATED, "-W", "error"), {}),
        (ISOLATED, {"PYTHONWARNINGS": "error"}),
    ],
    ids=["plain", "isolated", "workers", "warnings", "all-warnings"],
)
def test_a_suite_in_a_pod(suite_run: Callable[..., Ran], options: tuple[str, ...], variables: dict[str, str]) -> None:
    """A credential that a module has made finds the command's identity, and so does a plain test; others their own."""
    ran = suite_run(*options, **variables)
    assert "5 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "1 failed" in ran.stdout
    assert "the body runs" in ran.stdout
    assert "Warning" not in ran.stdout + ran.stderr
    assert ran.exit_code == 1
    assert "ran in kubernetes and asked" in ran.stderr
    assert {(each["provider"], each["identity"], each["status"]) for each in ran.requests} == {
        ("workload-identity", "workload-identity", 200)  # nothing of what the tests with fixtures asked for
    }


def test_a_suite_with_an_environment_of_its_own(suite_run: Callable[..., Ran]) -> None:
    """It is nearer than the command's, from the first import on: nobody asks there."""
    ran = suite_run("-o", "azcred_environment=functions", "--deselect=test_app.py::test_marker", place="functions")
    assert "1 failed" in ran.stdout, ran.stdout + ran.stderr
    assert "ran in kubernetes and asked for nothing" in ran.stderr
