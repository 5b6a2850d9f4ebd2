"""Apps whose credentials are made when a module is imported, tested as they are with `--azcred-environment`."""

from __future__ import annotations

import pytest

APP = """
import azure.identity
import azure.identity.aio
from azure.keyvault.secrets import SecretClient

credential = azure.identity.DefaultAzureCredential(exclude_interactive_browser_credential=False)
asynchronous = None if "{name}" == "developer-browser" else azure.identity.aio.DefaultAzureCredential()
vault = SecretClient("https://shop.vault.azure.net", credential)
"""
CONFTEST = """
import subprocess
import sys

import pytest
import shop

EARLY = shop.credential.get_token("https://management.azure.com/.default").token
CODE = "from azure.identity import DefaultAzureCredential as D; print(D({}).get_token('https://vault.azure.net/.default').token)"

def child():
    program = CODE.replace("{}", "exclude_interactive_browser_credential=False")
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()

@pytest.fixture(scope="session")
def token_of_a_child():
    return child()

@pytest.fixture
def early():
    return EARLY
"""
SUITE = """
import asyncio
import os
import shutil

import jwt
import pytest
import shop
from azure.identity import DefaultAzureCredential
from conftest import child

SCOPE = "https://vault.azure.net/.default"
LATE = {late}  # whether a credential of the run works on in other places

def holder(token):
    claims = jwt.decode(token, options={{"verify_signature": False}})
    return claims["oid"] if claims["idtyp"] == "user" else claims["appid"]

def of(place):
    return place.user.object_id if place.environment.user else place.identity.client_id

def of_a_new_credential():
    with DefaultAzureCredential(exclude_interactive_browser_credential=False) as credential:
        return holder(credential.get_token(SCOPE).token)

def test_the_client(azcred, early):
    assert azcred.place.environment.name == "{name}"
    assert holder(early) == of(azcred.place)
    secret = {{"value": "hunter2", "id": "https://shop.vault.azure.net/secrets/db/1"}}
    azcred.resource("https://shop.vault.azure.net").answer("GET", "/secrets/db", json=secret)
    assert shop.vault.get_secret("db").value == "hunter2"

def test_the_asynchronous_half(azcred):
    if shop.asynchronous:
        assert holder(asyncio.run(shop.asynchronous.get_token(SCOPE)).token) == of(azcred.place)

def test_without_a_fixture():
    assert shop.credential.get_token(SCOPE)

@pytest.mark.skipif("{name}" == "developer-browser", reason="nobody signs in with the browser of a child")
def test_a_child_of_the_session(token_of_a_child, azcred):
    assert holder(token_of_a_child) == of(azcred.place)

@pytest.mark.parametrize("ends", ["early", "with the test"])
def test_another_place(azcred, ends):
    mine, variables = of(azcred.place), dict(os.environ)
    folder = "/opt/azcmagent/bin/himds"
    agent = os.path.exists(folder)
    with azcred.environment("kubernetes" if "{name}" != "kubernetes" else "developer-azd", "nothing") as place:
        changed = {{name: variables[name] for name in variables if os.environ.get(name) != variables[name]}}
        assert not any(os.environ.get(name) == value for name, value in changed.items())
        assert not os.path.exists(folder)
        assert of_a_new_credential() != mine
        if LATE:
            assert holder(shop.credential.get_token("https://storage.azure.com/.default").token) == mine
        if ends == "with the test":
            assert holder(child()) != mine
            return
    assert os.path.exists(folder) == agent
    assert dict(os.environ) == variables
    assert of_a_new_credential() == of(azcred.place) == mine

def test_that_fails(azcred):
    azcred.environment("nothing")
    assert not "what fails here"

@pytest.fixture
def failing(azcred):
    azcred.environment("nothing")
    raise ZeroDivisionError

def test_whose_set_up_fails(failing):
    pass

def test_that_comes_after_them(azcred):
    assert of_a_new_credential() == of(azcred.place)

def test_several(azcred):
    with azcred.environment("developer-azure-cli", "app-service", "on-premises-secret"):
        assert of_a_new_credential()
        azcred.journal.assert_tokens(provider="environment", times=1)
        assert "IDENTITY_ENDPOINT" in os.environ
        assert shutil.which("az")
"""
EARLY_ENOUGH = ("virtual-machine", "kubernetes", "on-premises-secret", "on-premises-certificate", "developer-browser")
KINDS = {  # the environment of a run, and how it is named
    "on-premises-secret": ("--azcred-environment=on-premises-secret", "-n2"),
    "on-premises-certificate": ("-o", "azcred_environment=on-premises-certificate"),
    "kubernetes": ("--azcred-environment=kubernetes",),
    "developer-azure-cli": ("-o", "azcred_environment=developer-azure-cli", "-o", "azcred_isolate=true"),
    "developer-browser": ("--azcred-environment=developer-browser",),
    "virtual-machine": ("--azcred-environment=virtual-machine", "-o", "azcred_isolate=true"),
    "azure-arc": ("-o", "azcred_environment=azure-arc", "-n2"),
    "app-service": ("--azcred-environment=app-service",),
}


@pytest.mark.parametrize("name", KINDS)
def test_an_app_as_it_is(pytester: pytest.Pytester, name: str) -> None:
    """It is in the run's place from its first line on; a test's own place hides that until it ends."""
    pytester.makepyfile(shop=APP.replace("{name}", name), test_shop=SUITE.format(name=name, late=name in EARLY_ENOUGH))
    pytester.makeconftest(CONFTEST)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *KINDS[name])
    with_browser = name == "developer-browser"
    result.assert_outcomes(passed=8 - with_browser, skipped=int(with_browser), failed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["FAILED *::test_that_fails - *", "ERROR *::test_whose_set_up_fails - ZeroDivisionError*"]
    )
