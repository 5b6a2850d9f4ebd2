"""The options of the command line and of the configuration file, as `pytest --help` shows them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest

from azcred_emulators.environments import Environment, find
from pytest_azcred.settings import IsolationSettings

if TYPE_CHECKING:
    from azcred_emulators.apis.stand_in import StandIn

_ISOLATION = {"": False, "0": False, "false": False, "no": False, "off": False} | {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
}
# In `[tool.pytest]` TOML's true is no text; pytest before 9.2 has no options of either type.
_BOOL_OR_STRING: dict[str, Any] = {"type": bool | str if pytest.version_tuple >= (9, 2) else "string"}


def add_options(parser: pytest.Parser) -> None:
    """Declare every option."""
    group = parser.getgroup("azcred", "Azure credentials (pytest-azcred)")
    group.addoption(
        "--azcred-environment",
        metavar="NAME",
        help='run the suite as if in this environment, such as "kubernetes": tests that name others are deselected, '
        "tests that name none start there; '' ignores the environment of the configuration file",
    )
    group.addoption(
        "--azcred-server",
        metavar="URL",
        help="use a session of the server at this URL (`azcred serve`, on this machine) in place of emulators in this "
        "process; each worker of pytest-xdist has its own",
    )
    group.addoption(
        "--azcred-coverage",
        action="store_true",
        help="report at the end of the run which outcomes the emulators saw from which providers; each of the next "
        "three options does so as well",
    )
    group.addoption(
        "--azcred-coverage-json", metavar="FILE", help="write it as JSON, for `azcred coverage combine` or a program"
    )
    group.addoption("--azcred-coverage-html", metavar="FILE", help="write it as an HTML page")
    group.addoption(
        "--azcred-coverage-fail-under",
        metavar="N",
        type=float,
        help="fail the run if less than N percent of the provider paths are covered",
    )
    parser.addini("azcred_environment", "the environment to run the suite in, like --azcred-environment")
    parser.addini(
        "azcred_isolate",
        "hide this machine's own identity and refuse every outside connection from the start of the run to its end, so "
        "that nothing can use a real credential, with or without a fixture; 'network' (Linux) does so in a separate "
        "network that has only loopback, so that the kernel refuses everything else",
        default=False,
        **_BOOL_OR_STRING,
    )
    parser.addini(
        "azcred_refused",
        "how a connection that would leave this machine fails: 'error' is an exception that no client retries, "
        "'unreachable' an OSError, which apps see as a network failure; the reports name it in any case",
    )
    parser.addini(
        "azcred_strict",
        "fail a test that names an environment if its app requests no token there; "
        "@pytest.mark.azcred(strict=False) exempts a test",
        type="bool",
        default=False,
    )
    parser.addini(
        "azcred_keep",
        "variables that are not hidden, because the suite sets them itself, such as AZURE_TENANT_ID; variables with a "
        "secret, or the path of one, are refused",
        type="args",
    )
    parser.addini(
        "azcred_routes",
        "local servers that answer for real host names in every test that uses azcred, one a line: "
        "orders.contoso.com = http://127.0.0.1:8080",
        type="linelist",
    )
    parser.addini(
        "azcred_stand_ins",
        "classes of stand-ins of your own, found by host names before the ready-made ones: shop.stand_ins:Orders, or a "
        "file below the root folder, tests/stand_ins.py:Orders",
        type="args",
    )
    parser.addini(
        "azcred_token_lifetime",
        "how long access tokens last in tests that use azcred, such as '5 min' or '2 hours', unless an identity has "
        "its own",
    )
    parser.addini(
        "azcred_azurite_accounts", "storage accounts of the fixture azurite", type="args", default=["myaccount"]
    )
    parser.addini(
        "azcred_azurite_executable", "path of the program azurite, if it is neither in node_modules nor on PATH"
    )


def check(config: pytest.Config) -> None:
    """Raise UsageError for a value that cannot be used, before any test runs."""
    environment(config)
    try:
        if token_lifetime(config) and config.getoption("--azcred-server"):
            raise ValueError("it cannot be set for the tokens of a server; give their identities `token_times`")
    except ValueError as error:
        raise pytest.UsageError(f"azcred_token_lifetime: {error}") from None
    kept(config)
    if stand_ins(config) and config.getoption("--azcred-server"):
        raise pytest.UsageError("azcred_stand_ins: a server has those of its own configuration, in the key stand_ins")
    if own_routes := routes(config):
        from pytest_azcred.redirect.own_route import own_route

        try:
            for host, to in own_routes:
                own_route(host, to)
        except ValueError as error:
            raise pytest.UsageError(f"azcred_routes: {error}") from None


def stand_ins(config: pytest.Config) -> "Sequence[type[StandIn]]":
    """Return the stand-ins of the user's own; raises UsageError for what is none."""
    names: Sequence[str] = config.getini("azcred_stand_ins")
    if not names:
        return ()
    from azcred_emulators.apis.stand_ins.loading import load_stand_ins

    try:
        return load_stand_ins(names, config.rootpath)
    except ValueError as error:
        raise pytest.UsageError(f"azcred_stand_ins: {error}") from None


def environment(config: pytest.Config) -> Environment | None:
    """Return the environment that the whole suite runs in, None if each test says where.

    Raises UsageError for a name that is not in the table.
    """
    option: str | None = early_option(config, "azcred_environment")
    name: str = config.getini("azcred_environment") if option is None else option
    try:
        return find(name) if name else None
    except LookupError as error:
        raise pytest.UsageError(f"--azcred-environment: {error.args[0]}") from None


def kept(config: pytest.Config) -> Sequence[str]:
    """Return the names of variables that are not hidden; raises UsageError for one that must be, or that never is."""
    names: Sequence[str] = config.getini("azcred_keep")
    if names:
        from azcred_emulators.environments.identity_variables import check_kept

        try:
            check_kept(names)
        except ValueError as error:
            raise pytest.UsageError(f"azcred_keep: {error}") from None
    return names


def early_option(config: pytest.Config, name: str) -> Any:
    """Return the value of an option, also before conftests are loaded, when pytest has not read all of them."""
    known = config.known_args_namespace
    return getattr(known if hasattr(known, name) else config.option, name)


def isolation(config: pytest.Config) -> bool | Literal["network"]:
    """Return how the whole run is isolated; raises UsageError for what is no such way."""
    value = str(config.getini("azcred_isolate")).strip().lower()
    if value == "network":
        if early_option(config, "azcred_server"):
            raise pytest.UsageError(
                "azcred_isolate = network: the server of --azcred-server is outside of the run's own network, and out "
                "of its reach; leave one of the two out"
            )
        return "network"
    if value not in _ISOLATION:
        raise pytest.UsageError(f"azcred_isolate is true, false or 'network', not {value!r}")
    return _ISOLATION[value]


def isolation_settings(config: pytest.Config) -> IsolationSettings:
    """Return how the run is isolated; raises UsageError for what cannot be."""
    refused = config.getini("azcred_refused")
    if refused not in ("", "error", "unreachable"):
        raise pytest.UsageError(f"azcred_refused is 'error' or 'unreachable', not {refused!r}")
    return IsolationSettings(kept(config), unreachable=refused == "unreachable")


def measures_coverage(config: pytest.Config) -> bool:
    """Tell whether provider paths are to be counted."""
    values = (config.getoption(f"azcred_coverage_{name}") for name in ("json", "html", "fail_under"))
    return config.getoption("azcred_coverage") or any(value is not None for value in values)


def routes(config: pytest.Config) -> Sequence[tuple[str, str]]:
    """Return the user's own routes: host names, and the URLs that are to answer for them."""
    parts = [line.partition("=") for line in config.getini("azcred_routes")]
    return [(host.strip(), to.strip()) for host, _, to in parts]


def token_lifetime(config: pytest.Config) -> timedelta | None:
    """Return how long access tokens last, None for as long as usual; raises ValueError for what is no such time."""
    text: str = config.getini("azcred_token_lifetime")
    if not text:
        return None
    from azcred_emulators.durations import as_timedelta

    if not (lifetime := as_timedelta(text)):
        raise ValueError(f"a token must last longer than {text!r}")
    return lifetime
