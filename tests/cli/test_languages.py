"""Unmodified SDKs in other processes, which find their identity through `azcred run` as they would on Azure."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from support.azcred_run import ROOT, WHOSE_TOKEN, Ran

from azcred_emulators.environments import ENVIRONMENTS, Environment, find

SCOPE = "https://vault.azure.net/.default"
PLACES = [one for one in ENVIRONMENTS.values() if one.provider and not one.browser]
ASYNCHRONOUS = """
import asyncio, jwt
from azure.identity.aio import DefaultAzureCredential
async def main():
    async with DefaultAzureCredential() as credential:
        token = (await credential.get_token("https://vault.azure.net/.default")).token
    print(jwt.decode(token, options={"verify_signature": False})["appid"])
asyncio.run(main())
"""
NODE = json.dumps({"credential": "DefaultAzureCredential", "parameters": [], "options": {}, "scope": SCOPE})
# Azure Arc's agent proves by a file in a folder that only root can write to that a client may have a token; only
# Python processes can be led to another.
NODE_PLACES = [one for one in PLACES if one.name != "azure-arc"]


@pytest.mark.parametrize("place", [one for one in PLACES if not one.user], ids=lambda one: one.name)
def test_python(azcred_run: Callable[..., Ran], place: Environment) -> None:
    """The chain finds its identity in every place of the table."""
    ran = azcred_run(sys.executable, "-c", WHOSE_TOKEN, environments=(place.name,))
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.split()[0] == place.client_id
    assert [one["provider"] for one in ran.requests if one["operation"] == "token"][-1] == place.provider


@pytest.mark.parametrize("name", ["virtual-machine", "kubernetes", "app-service", "on-premises-certificate"])
def test_asynchronous_python_by_variables_alone(azcred_run: Callable[..., Ran], name: str) -> None:
    """Without the redirection of Python processes, aiohttp goes by proxy and certificate authority."""
    ran = azcred_run(
        "env", "-u", "PYTHONPATH", "-u", "AZCRED_ROUTING", sys.executable, "-c", ASYNCHRONOUS, environments=(name,)
    )
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.strip() == find(name).client_id


@pytest.mark.parametrize("client", ["requests", "httpx", "urllib.request", "aiohttp"])
def test_any_python_client_reaches_the_real_names(azcred_run: Callable[..., Ran], client: str) -> None:
    """Whatever an app uses, the token service answers under its name, trusted."""
    url = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
    programs = {
        "requests": f"import requests; print(requests.get({url!r}).status_code)",
        "httpx": f"import httpx; print(httpx.get({url!r}).status_code)",
        "urllib.request": f"import urllib.request; print(urllib.request.urlopen({url!r}).status)",
        "aiohttp": "import aiohttp, asyncio\nasync def main():\n  async with aiohttp.ClientSession() as client, "
        f"client.get({url!r}) as answer: print(answer.status)\nasyncio.run(main())",
    }
    ran = azcred_run(sys.executable, "-c", programs[client])
    assert (ran.stdout, ran.exit_code) == ("200\n", 0), ran.stderr


def test_without_an_identity_the_chain_gives_up_at_once(azcred_run: Callable[..., Ran]) -> None:
    """The metadata service says that there is no identity, which no SDK tries again."""
    ran = azcred_run(sys.executable, "-c", WHOSE_TOKEN, environments=("nothing",))
    assert ran.exit_code == 1
    assert "DefaultAzureCredential failed to retrieve a token" in ran.stderr
    (asked,) = ran.requests
    assert (asked["emulator"], asked["status"], asked["error"]) == ("imds", 400, "Identity not found")


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.skipif(
    not (ROOT / "node_modules" / "@azure" / "identity").exists(),
    reason="@azure/identity is not installed; run: npm ci",
)
@pytest.mark.parametrize("place", NODE_PLACES, ids=lambda one: one.name)
def test_node(azcred_run: Callable[..., Ran], place: Environment) -> None:
    """@azure/identity needs nothing but the variables: no option, no other authority."""
    script = str(Path(__file__).parents[1] / "node" / "token.cjs")
    ran = azcred_run("node", script, environments=(place.name,), input=NODE)
    assert ran.exit_code == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert "token" in result, result
    claims = jwt.decode(result["token"], options={"verify_signature": False})
    assert claims["upn"] == place.user if place.user else claims["appid"] == place.client_id
    assert [one["provider"] for one in ran.requests if one["operation"] == "token"][-1] == place.provider
