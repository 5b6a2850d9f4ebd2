"""The pytest plugin: fixtures that put the app under test into a place on Azure.

Nothing heavy is imported before a test uses a fixture, so that a run without one starts as fast as without the
plugin.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

import pytest

from azcred_emulators.environments import ENVIRONMENTS, Environment
from pytest_azcred import options
from pytest_azcred.redirect.patching import hold, is_isolated, sweep
from pytest_azcred.redirect.refusals import Refusals
from pytest_azcred.reports import FAILED, ReportHooks
from pytest_azcred.run import Run, begin_run, end_run
from pytest_azcred.selection import PARAMETER, decorator_of, deselect, marked
from pytest_azcred.variables import held, set_variable, sweep_variables

if TYPE_CHECKING:
    from azcred_emulators.emulators import Emulators
    from pytest_azcred.azcred import Azcred
    from pytest_azcred.azurite import Azurite
    from pytest_azcred.browser import DeviceLogin, FakeBrowser
    from pytest_azcred.place import Place
    from pytest_azcred.scope import Scope

_ScopeName = Literal["session", "module", "class", "function"]

_RUN = pytest.StashKey[Run]()
_REFUSALS = pytest.StashKey[Refusals | None]()  # of a run that is isolated without emulators
_VARIABLES = pytest.StashKey[Mapping[str, str]]()  # those before the test


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Isolate the whole run or put it into an environment, if it is configured so, before any code of the user's.

    A wrapper runs before other plugins, of which pytest-django imports the app's settings here.
    """
    _begin(early_config)
    yield


def _begin(config: pytest.Config) -> None:
    if _RUN in config.stash:
        return
    settings = options.isolation_settings(config)
    isolation = options.isolation(config)
    if isolation == "network":
        _seal()
    run = config.stash[_RUN] = begin_run(Run(partial(_make_emulators, config), settings))
    config.add_cleanup(partial(end_run, run))
    if environment := options.environment(config):
        run.lasts = "session"
        run.begin("the run").enter([environment], {})
        run.lasts = "function"
    elif isolation and not is_isolated():  # else `azcred run` or a test has started this
        from pytest_azcred.ambient import isolate

        refusals, restore = isolate(settings)
        config.stash[_REFUSALS] = refusals
        config.add_cleanup(restore)


def _seal() -> None:
    from pytest_azcred.network import SealError, seal

    try:
        seal()
    except SealError as error:
        raise pytest.UsageError(f"azcred_isolate = network: {error}") from None


def _make_emulators(config: pytest.Config) -> AbstractContextManager[Emulators]:
    if url := options.early_option(config, "azcred_server"):
        from azcred_emulators.standalone.client import remote_emulators

        return cast("AbstractContextManager[Emulators]", remote_emulators(url))
    from azcred_emulators.emulators import Emulators

    return Emulators(token_lifetime=options.token_lifetime(config), stand_ins=options.stand_ins(config))


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, refuse options that cannot be used, and start what they ask for."""
    options.check(config)
    _begin(config)  # if a conftest has loaded the plugin, that was too late for the conftest
    config.addinivalue_line(
        "markers",
        'azcred(*environments, strict=...): run the test once in each of these environments, such as "kubernetes"; '
        '"*" stands for every one that gives an identity. `strict` is azcred_strict for this test.',
    )
    reports = ReportHooks(config, config.stash[_RUN], config.stash.get(_REFUSALS, None))
    config.pluginmanager.register(reports, "azcred_reports")
    if options.measures_coverage(config):
        from pytest_azcred.coverage.hooks import CoverageHooks

        config.pluginmanager.register(CoverageHooks(config, config.stash[_RUN]), "azcred_coverage")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a marked test run once in each of its environments."""
    names = marked(metafunc.definition)
    if names:
        metafunc.parametrize(PARAMETER, names, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are for other environments than that of the run."""
    if environment := options.environment(config):
        deselect(config, items, environment)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Keep a wider scope's isolation up, whatever the plugins of others restore and replace around a test."""
    item.stash[_VARIABLES] = dict(os.environ)
    hold()
    yield
    hold()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Leave nothing replaced that a fixture torn down after `azcred` has restored, as `monkeypatch` does."""
    try:
        yield
    finally:
        sweep()
        sweep_variables(item.stash.get(_VARIABLES, {}))
        hold()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Know whose the scopes are that a fixture begins, and keep the isolation up while it is torn down.

    Hooks of other plugins come before that, and pytest-socket's restores `connect`.
    """
    run = request.config.stash[_RUN]
    before, run.lasts = run.lasts, fixturedef.scope
    try:
        return (yield)
    finally:
        run.lasts = before
        fixturedef.addfinalizer(hold)


@pytest.fixture(scope="session")
def azcred_emulators(pytestconfig: pytest.Config) -> Iterator[Emulators]:
    """The emulators that the tests of this run share: servers and keys. Tests use `azcred`."""
    run = pytestconfig.stash[_RUN]
    yield _reached(run) if options.early_option(pytestconfig, "azcred_server") else run.emulators
    if not run.scopes:  # else the run's own environment needs them
        run.stop()


def _reached(run: Run) -> Emulators:
    """Return the emulators of a server, which may not be there."""
    from azcred_emulators.standalone.control.client import ServerError

    try:
        return run.emulators
    except ServerError as error:
        pytest.fail(f"--azcred-server: {error}", pytrace=False)


def _scoped(scope: _ScopeName, name: str) -> object:
    """Make the fixture that hands out the emulators for a scope."""

    def azcred(azcred_emulators: Emulators, request: pytest.FixtureRequest) -> Iterator[Azcred]:
        from pytest_azcred.azcred import Azcred
        from pytest_azcred.scope import ScopeOrderError

        run = request.config.stash[_RUN]
        try:
            own = run.begin(request.node.nodeid if scope == "function" else name)
        except ScopeOrderError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        try:
            azcred = Azcred(own)
            for host, to in options.routes(request.config):
                azcred.route(host, to)
            _hold_against_undo(request, own, run)
            yield azcred
            crashes, unspent = own.emulators.crashes.reports, own.unspent_faults()
        finally:
            run.end(own)
        if crashes:
            pytest.fail("\n\n".join(crashes), pytrace=False)
        if unspent and not request.node.stash.get(FAILED, False):  # else the test's own failure says more
            pytest.fail(unspent, pytrace=False)

    azcred.__doc__ = f"""Azure on this machine, for {_LASTS[scope]}: nothing leaves it and no real identity is found.

    The app starts out where an outer scope has put it, else in a place without any identity; `azcred.environment(...)`
    puts it into one. The journal is the scope's own, and what is changed in directory, clock, faults, routes and places
    lasts until its end.
    """
    return pytest.fixture(scope=scope, name=name)(azcred)


def _hold_against_undo(request: pytest.FixtureRequest, scope: Scope, run: Run) -> None:
    """Let `monkeypatch.undo()` neither lift the isolation in the test nor bring it back after the test.

    It restores what it found, which may be older than the isolation, or a part of it.
    """
    if request.scope != "function" or "monkeypatch" not in request.fixturenames:
        return
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    # Recorded between what it has changed before and what it will change, our changes are undone in this order.
    for name, (before, ours) in scope.isolated_variables.items():
        if before != ours:
            set_variable(name, before)
            if ours is None:
                monkeypatch.delenv(name)
            else:
                monkeypatch.setenv(name, ours)
    original = monkeypatch.undo

    def undo() -> None:
        if scope in run.scopes:
            held(scope.variable_changes, original)
        else:
            original()
            sweep()
            sweep_variables({})
        hold()

    monkeypatch.undo = undo  # type: ignore[method-assign]  # of this test's own object


_LASTS: dict[_ScopeName, str] = {
    "session": "the whole run, in each worker of pytest-xdist",
    "module": "the tests of one module",
    "class": "the tests of one class",
    "function": "one test",
}
azcred_session: object = _scoped("session", "azcred_session")
azcred_module: object = _scoped("module", "azcred_module")
azcred_class: object = _scoped("class", "azcred_class")
azcred: object = _scoped("function", "azcred")


def _place(environment: Environment, name: str) -> object:
    """Make the fixture that puts the app into an environment."""

    def place(azcred: Azcred) -> Place:
        return azcred.environment(environment.name)

    place.__doc__ = f"Where the app runs: {environment.description}."
    return pytest.fixture(name=name)(place)


for _each in ENVIRONMENTS.values():
    for _name in _each.fixtures:
        globals()[_name] = _place(_each, _name)


@pytest.fixture(autouse=True)
def _azcred_place(request: pytest.FixtureRequest) -> None:
    """Put the app into the environment that the test is marked with, or its class is decorated with."""
    default = options.environment(request.config)
    name: str | None = getattr(request, "param", None)
    if name is None and (names := marked(request.node)):  # unittest's test cases cannot run several times
        if len(names) > 1 and default is None:
            raise pytest.UsageError(
                f"{request.node.nodeid}: a method of unittest.TestCase runs in one environment; of {', '.join(names)}, "
                "name one, write a function, or run the suite in one with --azcred-environment"
            )
        name = default.name if default else names[0]
    decorator = decorator_of(request.node)
    if default or name is not None or decorator is not None:
        azcred: Azcred = request.getfixturevalue("azcred")
        if name is not None:
            azcred.environment(name)
        elif decorator is not None:
            decorator.enter(azcred)


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
    from pytest_azcred.azurite import Azurite, AzuriteMissing, AzuriteTooOld, find_executable

    if options.early_option(pytestconfig, "azcred_server"):
        pytest.fail(
            "azurite: the accounts answer by the emulators of the test's own process, and those of --azcred-server are "
            "another's; run this test without --azcred-server",
            pytrace=False,
        )
    executable = pytestconfig.getini("azcred_azurite_executable")
    try:
        path = pytestconfig.rootpath / executable if executable else find_executable(pytestconfig.rootpath)
    except AzuriteMissing as missing:
        pytest.skip(str(missing))
    azurite = Azurite(azcred_emulators, *pytestconfig.getini("azcred_azurite_accounts"), executable=path)
    try:
        azurite.start()
    except AzuriteTooOld as error:
        pytest.fail(str(error), pytrace=False)
    yield azurite
    azurite.stop()


def _scoped_azurite(scope: _ScopeName, name: str, azcred_name: str) -> object:
    """Make the fixture that has Azurite answer for a scope."""

    def azurite(request: pytest.FixtureRequest, azurite_server: Azurite) -> Iterator[Azurite]:
        azcred: Azcred = request.getfixturevalue(azcred_name)
        for host in azurite_server.hosts:
            azcred.route(host, to=azurite_server.url)
        earlier = azurite_server.contents()
        yield azurite_server
        azurite_server.clear(keep=earlier)

    azurite.__doc__ = f"""Azure Storage at the real addresses of its accounts, for {_LASTS[scope]}.

    The accounts are those of the ini option `azcred_azurite_accounts`; each has blobs, queues, tables and a part of
    Data Lake Storage. Containers, queues and tables that are made in the scope go with it; those of an outer scope
    stay, with what has become of their content.
    """
    return pytest.fixture(scope=scope, name=name)(azurite)


azurite_session: object = _scoped_azurite("session", "azurite_session", "azcred_session")
azurite_module: object = _scoped_azurite("module", "azurite_module", "azcred_module")
azurite_class: object = _scoped_azurite("class", "azurite_class", "azcred_class")
azurite: object = _scoped_azurite("function", "azurite", "azcred")
