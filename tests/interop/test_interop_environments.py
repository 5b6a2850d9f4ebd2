"""The unmodified DefaultAzureCredential in every environment of the table: who wins, and what it asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from support.sdk import HALVES, IDENTITY, OURS, WITHOUT_SERVICE_FABRIC, Sdk

from azcred_emulators.clouds import IMDS_ADDRESS
from azcred_emulators.directory import contoso
from azcred_emulators.environments import ENVIRONMENTS, Environment
from azcred_emulators.hosts.catalogue import host_classes
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TENANT = contoso.TENANT.id
LOGIN = "login.microsoftonline.com"

CONFIGURATION = f"GET {LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration openid-configuration 200"
TOKEN = f"POST {LOGIN}/{TENANT}/oauth2/v2.0/token token 200"
LOOKED_UP = [CONFIGURATION, TOKEN]  # by msal, which looks the tenant up first; azure-identity's aio half has no msal

HOSTS = host_classes()


def from_host(environment: Environment) -> list[str]:
    """Return the requests to a host: those that its clients begin with, and the one for a token."""
    host = HOSTS[environment.host or ""]
    server = IMDS_ADDRESS if environment.host == "imds" else "127.0.0.1"
    request = f"{host.methods[-1]} {server}{host.path}"
    return [f"{request} {operation} {status}" for operation, status in (*host.preliminaries, ("token", 200))]


# What the first token takes.
REQUESTS = {
    **{one.name: from_host(one) for one in ENVIRONMENTS.values() if one.host in HOSTS},
    "kubernetes": [TOKEN],
    "on-premises-secret": LOOKED_UP,
    "on-premises-certificate": LOOKED_UP,
    "developer-service-principal": LOOKED_UP,
    "developer-azure-cli": ["POST 127.0.0.1/azcred/executables/az token 200"],
    "developer-powershell": ["POST 127.0.0.1/azcred/executables/pwsh token 200"],
    "developer-azd": ["POST 127.0.0.1/azcred/executables/azd token 200"],
    "azure-pipelines": ["POST 127.0.0.1/azcred/executables/az token 200"],
    "github-actions": ["POST 127.0.0.1/azcred/executables/az token 200"],
}
IDENTIFIED = [one for one in ENVIRONMENTS.values() if one.provider and not one.browser]


def asked(azcred: Azcred) -> list[str]:
    """Return every request of the test so far, one line each."""
    return [
        f"{entry.method} {entry.server_name}{entry.path} {entry.operation} {entry.status}"
        for entry in azcred.journal.requests()
    ]


def assert_identity(place: Place, token: str) -> None:
    """Check that a token is that of the place's identity or user, signed by the key that is published."""
    key = jwt.PyJWKClient(f"https://{LOGIN}/common/discovery/v2.0/keys").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience=VAULT)
    if place.environment.user:
        assert (claims["oid"], claims["idtyp"]) == (place.user.object_id, "user")
    else:
        assert (claims["appid"], claims["idtyp"]) == (place.identity.client_id, "app")


@pytest.fixture(params=["azure-identity", "ours"])
def chain(request: pytest.FixtureRequest, sdk: Sdk) -> Iterator[Sdk]:
    """Each half of azure-identity, and of our own library."""
    if request.param == "azure-identity":
        yield sdk
        return
    ours = Sdk(sdk.half, OURS)
    yield ours
    ours.close()


@pytest.fixture(params=IDENTIFIED, ids=lambda environment: environment.name)
def environment(request: pytest.FixtureRequest) -> Environment:
    """Every environment in which the chain finds an identity by itself."""
    found: Environment = request.param
    if found.name == "developer-powershell" and IDENTITY < (1, 23, 1):
        pytest.skip("the script of this release of azure-identity does not know Az.Accounts 5, which the place has")
    return found


def test_its_identity_wins(azcred: Azcred, chain: Sdk, environment: Environment) -> None:
    """The environment's provider has answered, and nothing else was asked than what the real place would see."""
    if environment.name == "service-fabric" and chain.name == HALVES["sync"] and WITHOUT_SERVICE_FABRIC:
        pytest.skip("the synchronous half of this release of azure-identity cannot ask Service Fabric")
    place = azcred.environment(environment.name)
    token = chain.credential("DefaultAzureCredential").get_token(SCOPE).token
    requests = REQUESTS[environment.name]
    assert asked(azcred) == (requests[1:] if requests is LOOKED_UP and chain.name == HALVES["aio"] else requests)
    azcred.journal.assert_tokens(provider=environment.provider, times=1)
    azcred.journal.assert_tokens(times=1)
    assert place.requests()[-1].answered
    assert_identity(place, token)


def test_a_machine_with_every_identity_follows_the_chain(azcred: Azcred, chain: Sdk) -> None:
    """Environment, workload identity, managed identity, developer tools: each wins once those before it are gone."""
    order = ["developer-azure-cli", "app-service", "kubernetes", "on-premises-secret"]
    places = [azcred.environment(name) for name in order]
    for place in reversed(places):
        azcred.journal.clear()
        assert_identity(place, chain.credential("DefaultAzureCredential").get_token(SCOPE).token)
        azcred.journal.assert_tokens(provider=place.environment.provider, times=1)
        azcred.journal.assert_tokens(times=1)
        place.__exit__()
    with pytest.raises(ClientAuthenticationError):
        chain.credential("DefaultAzureCredential").get_token(SCOPE)


@pytest.mark.skipif(IDENTITY < (1, 24), reason="only from 1.24 on a variable brings the browser in")
def test_a_user_signs_in_with_the_browser(azcred: Azcred) -> None:
    """The variable makes the browser the chain's only link; the asynchronous half has none."""
    place = azcred.environment("developer-browser")
    with import_module("azure.identity").DefaultAzureCredential() as credential:
        assert_identity(place, credential.get_token(SCOPE).token)
    azcred.journal.assert_tokens(provider="interactive-browser", times=1)
    assert len(place.browser.opened) == 1


def test_nothing_gives_nothing(azcred: Azcred, chain: Sdk) -> None:
    """A machine without an identity is found out at once, and no request was made."""
    azcred.environment("nothing")
    with pytest.raises(ClientAuthenticationError):
        chain.credential("DefaultAzureCredential").get_token(SCOPE)
    assert asked(azcred) == []
