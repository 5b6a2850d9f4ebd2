"""What holds for every test."""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import inner_runs, slow


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a folder of slow tests if these are left out."""
    return slow.is_left_out(collection_path, config.option.markexpr) or None


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests that are known by where they are or by what they use."""
    slow.mark(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Watch what the test starts, its fixtures included."""
    slow.watch(item)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Fail a test that starts a program and is not marked as slow."""
    result = yield
    slow.check()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run each test with context variables of its own.

    The constructor of azure-identity's DefaultAzureCredential (1.27) leaves one set when it raises, and from then on
    the credentials of developer's tools believe that they are within a chain.
    """
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        return None  # the plugin that runs it gives it a context
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    contextvars.copy_context().run(pyfuncitem.obj, **arguments)
    return True


@pytest.fixture(scope="session", autouse=True)
def _light_inner_runs() -> Iterator[None]:
    """Let the runs of pytest that tests start load the plugins that they need."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PYTEST_ADDOPTS", inner_runs.options())
        yield


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs of pytest as other tests start them: pytest's own fixture removes the variable."""
    monkeypatch.setenv("PYTEST_ADDOPTS", inner_runs.options())
    return pytester
