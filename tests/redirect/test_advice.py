"""A refusal says what helps for this host, to whoever reads it: in a test, in an isolated run, below `azcred run`."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
import requests

from azcred_emulators.audiences import SERVICES
from pytest_azcred.azcred import Azcred
from pytest_azcred.redirect import advice
from pytest_azcred.redirect.routes import OutsideConnectionError, Routes


def said(routes: Routes, host: str, port: object) -> str:
    """Return what a refusal says after the reason."""
    refusal = str(routes.refusal(host, port))
    reason, _, remedy = refusal.partition("; ")
    assert reason.startswith("azcred refused a connection to '")
    assert host in reason
    assert reason.endswith("', because nothing may leave this machine")
    assert remedy.endswith(".")
    return remedy


IN_A_TEST = [
    ("orders.contoso.com", 443, 'call azcred.route("orders.contoso.com", "http://127.0.0.1:PORT") in the test to'),
    ("orders.contoso.com", b"https", 'call azcred.route("orders.contoso.com", "http://127.0.0.1:PORT") in the test'),
    ("orders.contoso.com", None, 'call azcred.route("orders.contoso.com", "http://127.0.0.1:PORT") in the test to'),
    ("orders.contoso.com", 8443, 'call azcred.route("orders.contoso.com:8443", "http://127.0.0.1:PORT") in the test'),
    (
        "database.contoso.com",
        5432,
        'call azcred.route("database.contoso.com:5432", "tcp://127.0.0.1:PORT") in the test',
    ),
    ("shop.database.windows.net", "1433", 'call azcred.route("shop.database.windows.net:1433", "tcp://127.0.0.1:'),
    ("shop.redis.cache.windows.net", 6380, 'call azcred.route("shop.redis.cache.windows.net:6380", "tcp://127.0.0.1'),
    ("shop.servicebus.windows.net", 5671, 'call azcred.route("shop.servicebus.windows.net:5671", "tcp://127.0.0.1'),
    ("2001:db8::1", 5432, 'call azcred.route("[2001:db8::1]:5432", "tcp://127.0.0.1:PORT") in the test to'),
    (
        "shop.blob.core.windows.net",
        443,
        'let the test use the fixture azurite, with "shop" in the ini option azcred_az',
    ),
    ("shop.blob.core.windows.net", 80, 'call azcred.route("shop.blob.core.windows.net", "http://127.0.0.1:PORT") in'),
    ("shop.blob.core.chinacloudapi.cn", 443, 'call azcred.resource("https://shop.blob.core.chinacloudapi.cn") in the'),
    ("shop.dfs.core.windows.net", 443, 'let the test use the fixture azurite, with "shop" in the ini option azcred_az'),
    ("shop.file.core.windows.net", 443, 'call azcred.resource("https://shop.file.core.windows.net") in the test for'),
    ("shop.vault.azure.net", 443, 'call azcred.resource("https://shop.vault.azure.net") in the test for a stand-in'),
    ("shop.vault.usgovcloudapi.net", 443, 'call azcred.resource("https://shop.vault.usgovcloudapi.net") in the test'),
    ("vault.azure.net", 443, 'call azcred.route("vault.azure.net", "http://127.0.0.1:PORT") in the test to have'),
    (
        "169.254.169.254",
        8080,
        "the metadata service is unreachable: it answers at port 80 alone, in an environment such as ",
    ),
]


@pytest.mark.parametrize(("host", "port", "remedy"), IN_A_TEST)
def test_in_a_test(host: str, port: object, remedy: str) -> None:
    """What the fixtures have for it, else a route in the form that works."""
    assert said(Routes((), advice.in_a_test()), host, port).startswith(remedy)


@pytest.mark.parametrize("pattern", [host for service in SERVICES if service.https for host in service.hosts])
def test_every_known_service(pattern: str) -> None:
    """It has something more fitting than a route."""
    for remedies in (advice.in_a_test(), advice.in_an_isolated_run(), advice.in_a_command()):
        assert "route" not in said(Routes((), remedies), pattern.replace("*", "shop"), 443)


@pytest.mark.parametrize(
    ("host", "port", "remedy"),
    [
        (
            "login.microsoftonline.com",
            443,
            "let the test use the fixture azcred, or another one with it, which answers",
        ),
        ("westeurope.login.microsoft.com", 443, "let the test use the fixture azcred, or another one with it"),
        ("graph.microsoft.us", None, "let the test use the fixture azcred, or another one with it"),
        ("login.microsoftonline.com", 80, "let the test use the fixture azcred and call azcred.route("),
        ("shop.vault.azure.net", 443, "let the test use the fixture azcred and call azcred.resource("),
        ("shop.blob.core.windows.net", 443, 'let the test use the fixture azurite, with "shop" in the ini option'),
        (
            "orders.contoso.com",
            443,
            'let the test use the fixture azcred and call azcred.route("orders.contoso.com", "h',
        ),
    ],
)
def test_in_an_isolated_run(host: str, port: object, remedy: str) -> None:
    """There is no `azcred` yet, so the fixture comes first."""
    assert said(Routes((), advice.in_an_isolated_run()), host, port).startswith(remedy)


@pytest.mark.parametrize(
    ("host", "port", "remedy"),
    [
        (
            "orders.contoso.com",
            443,
            "start the command with the option --route orders.contoso.com=http://127.0.0.1:PORT",
        ),
        ("db.contoso.com", 5432, "start the command with the option --route db.contoso.com:5432=tcp://127.0.0.1:PORT"),
        ("shop.blob.core.windows.net", 443, "start the command with the option --azurite shop to have the account"),
        ("shop.vault.azure.net", 443, 'put [[resources]] with url = "https://shop.vault.azure.net" into the file of'),
    ],
)
def test_below_azcred_run(host: str, port: object, remedy: str) -> None:
    """There is no fixture at all, but the command has options."""
    routes = Routes((), advice.in_a_command())
    assert said(routes, host, port).startswith(remedy)
    assert "azcred." not in said(routes, host, port)


def test_the_advice_works(azcred: Azcred) -> None:
    """Who does what the sentence says gets on."""
    with pytest.raises(Exception, match="refused") as refused:
        requests.get("https://shop.vault.azure.net/secrets/database")
    assert 'call azcred.resource("https://shop.vault.azure.net") in the test' in str(refused.value)
    azcred.resource("https://shop.vault.azure.net")
    assert requests.get("https://shop.vault.azure.net/secrets/database").status_code == 401


@pytest.mark.slow
def test_a_child_process_is_told_what_the_test_can_do(azcred: Azcred) -> None:
    """It loads the sentences with the routes, and needs no part of the emulators for them."""
    program = """
import socket, sys
try:
    socket.create_connection(("shop.vault.azure.net", 443))
except RuntimeError as error:
    print(error)
print([name for name in sys.modules if name.startswith("azcred_emulators")])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    refusal, modules = run.stdout.splitlines()
    assert 'call azcred.resource("https://shop.vault.azure.net") in the test for a stand-in' in refusal
    assert modules == "[]"


def test_nothing_is_known() -> None:
    """The sentence ends after the reason."""
    refusal = OutsideConnectionError("example.com", 443)
    assert str(refusal) == ("azcred refused a connection to 'example.com:443', because nothing may leave this machine.")
    assert str(pickle.loads(pickle.dumps(refusal))) == str(refusal)


def test_a_host_with_unusual_characters() -> None:
    """What stands in the sentence is one line of plain text."""
    refusal = str(Routes((), advice.in_a_test()).refusal("a\n{host}\0b", 443))
    assert refusal.isprintable()
    assert 'route("a\\n{host}\\x00b", ' in refusal
