"""The pytest plugin: fixtures that put the app under test into a place on Azure.

Nothing heavy is imported before a test uses a fixture, so that a run without one starts as fast as without the
plugin.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, cast

import pytest

from azcred_emulators.environments import ENVIRONMENTS, Environment
from pytest_azcred import options
from pytest_azcred.redirect.patching import sweep
from pytest_azcred.selection import PARAMETER, deselect, marked

if TYPE_CHECKING:
    from azcred_emulators.emulators import Emulators
    from pytest_azcred.azcred import Azcred
    from pytest_azcred.azurite import Azurite
    from pytest_azcred.browser import DeviceLogin, FakeBrowser
    from pytest_azcred.isolated_process import IsolatedProcess
    from pytest_azcred.place import Place


_FAILED = pytest.StashKey[bool]()
_ISOLATED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Isolate the whole run, if it is configured so, before any code of the user's is loaded."""
    _isolate(early_config)


def _isolate(config: pytest.Config) -> None:
    if config.getini("azcred_isolate") and not config.stash.get(_ISOLATED, False):
        from pytest_azcred.ambient import isolate

        config.stash[_ISOLATED] = True
        config.add_cleanup(isolate())


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, refuse options that cannot be used, and start what they ask for."""
    _isolate(config)  # if a conftest has loaded the plugin, that was too late for isolating it as well
    config.addinivalue_line(
        "markers",
        'azcred(*environments): run the test once in each of these environments, such as "kubernetes"; '
        '"*" stands for every one that gives an identity.',
    )
    options.check(config)
    if options.measures_coverage(config):
        from pytest_azcred.coverage.hooks import CoverageHooks

        config.pluginmanager.register(hooks := CoverageHooks(config), "azcred_coverage")
        hooks.start()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a marked test run once in each of its environments."""
    names = marked(metafunc.definition)
    if names:
        metafunc.parametrize(PARAMETER, names, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are for other environments than that of the run."""
    if environment := options.environment(config):
        deselect(config, items, environment)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the journal to the report of a failed test."""
    report = yield
    azcred: Azcred | None = getattr(item, "funcargs", {}).get("azcred")
    if azcred is not None and report.when == "call" and report.failed:
        from pytest_azcred.other_mocks import explain_silence

        silence = explain_silence(azcred.journal, call.excinfo.value if call.excinfo else None)
        report.sections.append(("azcred", f"{azcred.journal}{silence}"))
        item.stash[_FAILED] = True
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Leave nothing replaced that a fixture torn down after `azcred` has restored, as `monkeypatch` does."""
    try:
        yield
    finally:
        sweep()


@pytest.fixture(scope="session")
def azcred_emulators(pytestconfig: pytest.Config) -> Iterator[Emulators]:
    """The emulators that the tests of this run share: servers and keys. Tests use `azcred`."""
    if url := pytestconfig.getoption("--azcred-server"):
        from azcred_emulators.standalone.client import remote_emulators
        from azcred_emulators.standalone.control.client import ServerError

        try:
            with remote_emulators(url) as remote:
                yield cast("Emulators", remote)
        except ServerError as error:
            pytest.fail(f"--azcred-server: {error}", pytrace=False)
        return
    from azcred_emulators.emulators import Emulators

    with Emulators() as emulators:
        if lifetime := options.token_lifetime(pytestconfig):
            emulators.tokens.lifetime = lifetime
        yield emulators


@pytest.fixture
def _azcred_process(azcred_emulators: Emulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[IsolatedProcess]:
    """This process, isolated for one test."""
    from pytest_azcred.isolated_process import IsolatedProcess

    with IsolatedProcess(azcred_emulators, monkeypatch).isolated() as process:
        yield process


@pytest.fixture
def azcred(_azcred_process: IsolatedProcess, request: pytest.FixtureRequest) -> Iterator[Azcred]:
    """Azure on this machine, for one test: nothing leaves it and no real identity is found.

    The app starts out in a place without any identity; `azcred.environment(...)` puts it into one. The
    directory, the journal, the clock and the routes are the test's own.
    """
    from pytest_azcred.azcred import Azcred

    azcred = Azcred(_azcred_process)
    for host, to in options.routes(request.config):
        azcred.route(host, to)
    yield azcred
    unspent = _azcred_process.unspent_faults()
    if unspent and not request.node.stash.get(_FAILED, False):  # else the test's own failure says more
        pytest.fail(unspent, pytrace=False)


def _place(environment: Environment, name: str) -> object:
    """Make the fixture that puts the app into an environment."""

    def place(azcred: Azcred) -> Place:
        return azcred.environment(environment.name)

    place.__doc__ = f"Where the app runs: {environment.description}."
    return pytest.fixture(name=name)(place)


for _environment in ENVIRONMENTS.values():
    for _name in _environment.fixtures:
        globals()[_name] = _place(_environment, _name)


@pytest.fixture(autouse=True)
def _azcred_place(request: pytest.FixtureRequest) -> None:
    """Put the app into the environment that the test is marked with, or else that of the run."""
    default = options.environment(request.config)
    name: str | None = getattr(request, "param", None)
    if name is None and (names := marked(request.node)):  # unittest's test cases cannot run several times
        if len(names) > 1 and default is None:
            raise pytest.UsageError(
                f"{request.node.nodeid}: a method of unittest.TestCase runs in one environment; of {', '.join(names)}, "
                "name the one, write a function, or run the suite in one with --azcred-environment"
            )
        name = default.name if default else names[0]
    if name is not None:
        request.getfixturevalue("azcred").environment(name)
    elif default:
        request.getfixturevalue("azcred")
        process: IsolatedProcess = request.getfixturevalue("_azcred_process")
        process.start_in(default)


@pytest.fixture
def fake_browser(azcred: Azcred) -> FakeBrowser:
    """The browser that `webbrowser` opens: signs a user in on the pages, cancels, or ignores them."""
    return azcred.browser


@pytest.fixture
def fake_device_login(azcred: Azcred) -> DeviceLogin:
    """A person who types in the code of a device: `fake_device_login(code, user=..., decline=False)`."""
    from pytest_azcred.browser import DeviceLogin

    return DeviceLogin(azcred.directory)


@pytest.fixture(scope="session")
def azurite_server(azcred_emulators: Emulators, pytestconfig: pytest.Config) -> Iterator[Azurite]:
    """The Azurite that the tests of this run share. Tests use `azurite`."""
    from pytest_azcred.azurite import Azurite, AzuriteMissing, find_executable

    executable = pytestconfig.getini("azcred_azurite_executable")
    try:
        path = pytestconfig.rootpath / executable if executable else find_executable(pytestconfig.rootpath)
    except AzuriteMissing as missing:
        pytest.skip(str(missing))
    with Azurite(azcred_emulators, *pytestconfig.getini("azcred_azurite_accounts"), executable=path) as azurite:
        yield azurite


@pytest.fixture
def azurite(azcred: Azcred, azurite_server: Azurite) -> Iterator[Azurite]:
    """Azure Blob Storage: the accounts of the ini option `azcred_azurite_accounts`, empty, at their real addresses."""
    for host in azurite_server.hosts:
        azcred.route(host, to=azurite_server.url)
    yield azurite_server
    azurite_server.clear()
