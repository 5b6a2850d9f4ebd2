"""Tokens that a test describes by a few claims, in either version, and the validators that apps use."""

import asyncio
from typing import Any

import jwt
import pytest
from fastapi import FastAPI, Security
from fastapi_azure_auth import SingleTenantAzureAuthorizationCodeBearer
from microsoft_agents.hosting.core import AgentAuthConfiguration
from microsoft_agents.hosting.core.authorization import JwtTokenValidator
from starlette.testclient import TestClient

from azcred_emulators.directory import Application, contoso, identifiers
from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.control.client import ControlClient, ServerError
from azcred_emulators.standalone.server import StandaloneServer
from azcred_emulators.tokens import DEFECTS
from azcred_emulators.tokens.access import AppOnlyAccess
from azcred_emulators.tokens.descriptions import Version
from pytest_azcred.azcred import Azcred

TENANT_ID = contoso.TENANT.id
API = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
OTHER = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
ISSUERS = {1: f"https://sts.windows.net/{TENANT_ID}/", 2: f"https://login.microsoftonline.com/{TENANT_ID}/v2.0"}


@pytest.fixture
def orders(azcred: Azcred) -> Application:
    """The API."""
    return azcred.directory.add(
        Application(name="orders", tenant_id=TENANT_ID, client_id=API, identifier_uris=("api://orders",))
    )


def test_a_user_in_either_version(azcred: Azcred, orders: Application) -> None:
    """The same description gets the names and forms of each version."""
    described = {"aud": "api://orders", "scp": "Orders.Read", "azp": OTHER, "preferred_username": "ada@contoso.com"}
    first, second = (azcred.tokens.mint(described, version=version).claims for version in (1, 2))
    assert (first["iss"], first["ver"], first["aud"]) == (ISSUERS[1], "1.0", "api://orders")
    assert (first["appid"], first["appidacr"]) == (OTHER, "0")
    assert (first["upn"], first["unique_name"]) == ("ada@contoso.com", "ada@contoso.com")
    assert {"azp", "azpacr", "preferred_username"}.isdisjoint(first)
    assert (second["iss"], second["ver"], second["aud"]) == (ISSUERS[2], "2.0", API)
    assert (second["azp"], second["azpacr"], second["preferred_username"]) == (OTHER, "0", "ada@contoso.com")
    assert {"appid", "appidacr", "upn", "unique_name"}.isdisjoint(second)
    assert first["scp"] == second["scp"] == "Orders.Read"


def test_an_application_in_either_version(azcred: Azcred, orders: Application) -> None:
    """Without `scp` the client acts for itself."""
    described = {"aud": API, "roles": ["Orders.Write"], "appid": OTHER, "oid": identifiers.USER_ID}
    first, second = (azcred.tokens.mint(described, version=version).claims for version in (1, 2))
    assert (first["appid"], first["appidacr"], first["idtyp"], first["idp"]) == (OTHER, "1", "app", ISSUERS[1])
    assert (second["azp"], second["azpacr"]) == (OTHER, "1")
    assert {"appid", "appidacr", "idtyp", "idp"}.isdisjoint(second)
    for claims in (first, second):
        assert claims["aud"] == API
        assert claims["roles"] == ["Orders.Write"]
        assert claims["sub"] == claims["oid"] == identifiers.USER_ID
        assert "scp" not in claims


@pytest.mark.parametrize("version", [1, 2])
def test_it_has_the_claims_of_an_issued_token(azcred: Azcred, version: Version) -> None:
    """Names and all: what the token service issues for the same API has no other."""
    api = azcred.directory.add(Application(name="orders", tenant_id=TENANT_ID, access_token_version=version))
    client = azcred.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(client, Application)
    issued = azcred.tokens.app_only(AppOnlyAccess(client, f"api://{api.client_id}", target=api)).claims
    minted = azcred.tokens.mint({"aud": f"api://{api.client_id}", "azp": client.client_id}, version=version).claims
    assert set(minted) == set(issued)
    same = set(issued) - {"aio", "rh", "uti", "iat", "nbf", "exp", "appidacr", "azpacr", "roles"}
    assert {name: minted[name] for name in same} == {name: issued[name] for name in same}


def test_any_claim_can_be_set_or_left_out(azcred: Azcred) -> None:
    """As without a version: None leaves one out."""
    claims = azcred.tokens.mint({"aud": API, "tid": OTHER, "oid": None, "custom": 1, "exp": 9}, version=2).claims
    assert claims["iss"] == f"https://login.microsoftonline.com/{OTHER}/v2.0"
    assert (claims["tid"], claims["custom"], claims["exp"]) == (OTHER, 1, 9)
    assert "oid" not in claims


@pytest.mark.parametrize(
    ("claims", "version", "sentence"),
    [
        ({"aud": API, "ver": "1.0"}, 2, "a token of version 2 has not the ver '1.0': leave it out"),
        ({"aud": API, "ver": "2.0"}, 1, "a token of version 1 has not the ver '2.0': leave it out"),
        ({"aud": API, "iss": ISSUERS[1]}, 2, f"a token of version 2 has not the iss '{ISSUERS[1]}': leave it out"),
        ({"aud": API, "iss": ISSUERS[2]}, 1, f"a token of version 1 has not the iss '{ISSUERS[2]}'"),
        ({"aud": API, "appid": API, "azp": OTHER}, 2, "appid and azp mean the same: give one of them"),
        ({"aud": API, "upn": "ada@contoso.com"}, 2, "a token by which a client acts for a user has scp"),
        ({"aud": "api://nobody"}, 2, "'api://nobody' is no application of the directory: add one with it in"),
        ({"roles": ["Read"]}, 2, "a token is for an API: give its name as aud, not None"),
        ({"aud": API}, 3, "Entra ID's tokens have version 1 or 2, not 3"),
    ],
)
def test_claims_that_contradict(azcred: Azcred, claims: dict[str, object], version: Any, sentence: str) -> None:
    """Such a token does not exist, and a test with it would prove nothing."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the sentence is compared below
        azcred.tokens.mint(claims, version=version)
    assert sentence in str(error.value)


# Validators


def get(token: str) -> tuple[int, object]:
    """Call an API that fastapi-azure-auth protects."""
    app = FastAPI()
    scheme = SingleTenantAzureAuthorizationCodeBearer(
        app_client_id=API, tenant_id=TENANT_ID, scopes={f"api://{API}/Orders.Read": "Orders.Read"}
    )

    @app.get("/", dependencies=[Security(scheme, scopes=["Orders.Read"])])
    def read() -> str:
        return "read"

    with TestClient(app) as client:
        response = client.get("/", headers={"Authorization": f"Bearer {token}"})
    return response.status_code, response.json()


READ = {"aud": "api://orders", "scp": "Orders.Read"}


def test_fastapi_azure_auth(azcred: Azcred, orders: Application) -> None:
    """It takes a token of version 2 for the API, and none of version 1 or for another."""
    assert get(azcred.tokens.mint(READ, version=2).value) == (200, "read")
    assert get(azcred.tokens.mint(READ, version=1).value)[0] == 401
    assert get(azcred.tokens.mint({**READ, "aud": OTHER}, version=2).value)[0] == 401
    assert get(azcred.tokens.mint({**READ, "scp": "Orders.Write"}, version=2).value)[0] == 403
    azcred.journal.assert_requests(operation="keys", server_name="login.microsoftonline.com", times=3)


@pytest.mark.parametrize("defect", DEFECTS)
def test_fastapi_azure_auth_and_defects(azcred: Azcred, orders: Application, defect: str) -> None:
    """Nor one with a defect."""
    assert get(azcred.tokens.forge(defect, READ, version=2))[0] == 401


def test_microsofts_own_validator(azcred: Azcred, orders: Application) -> None:
    """That of the Microsoft 365 Agents SDK, with the check of the issuer that it offers."""
    configuration = AgentAuthConfiguration(
        client_id=API, tenant_id=TENANT_ID, validate_issuer=True, issuers=[ISSUERS[2]]
    )
    validator = JwtTokenValidator(configuration)
    described = {"aud": "api://orders", "azp": OTHER}
    identity = asyncio.run(validator.validate_token(azcred.tokens.mint(described, version=2).value))
    assert (identity.claims["aud"], identity.claims["azp"], identity.claims["ver"]) == (API, OTHER, "2.0")
    for wrong in (
        azcred.tokens.mint({"aud": OTHER}, version=2),
        azcred.tokens.mint({"aud": API}, version=1),
        azcred.tokens.mint({"aud": API, "tid": OTHER}, version=2),
    ):
        with pytest.raises(ValueError, match=r"[Ii]nvalid|issuer"):
            asyncio.run(validator.validate_token(wrong.value))


@pytest.mark.parametrize("version", [1, 2])
def test_pyjwt_with_the_published_keys(azcred: Azcred, orders: Application, version: Version) -> None:
    """Version, audience and issuer belong together."""
    token = azcred.tokens.mint(READ, version=version).value
    keys = jwt.PyJWKClient(f"https://login.microsoftonline.com/{TENANT_ID}/discovery/v2.0/keys")
    key = keys.get_signing_key_from_jwt(token)
    audience = {1: "api://orders", 2: API}[version]
    claims = jwt.decode(token, key, ["RS256"], audience=audience, issuer=ISSUERS[version])
    assert claims["ver"] == f"{version}.0"
    with pytest.raises(jwt.InvalidIssuerError):
        jwt.decode(token, key, ["RS256"], audience=audience, issuer=ISSUERS[3 - version])
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, ["RS256"], audience=OTHER, issuer=ISSUERS[version])


def test_the_control_api_mints_them_too() -> None:
    """And refuses what contradicts."""
    with StandaloneServer(Configuration()) as server:
        client = ControlClient(server.main.emulators.http.url)
        assert client.post("/tokens", {"claims": {"aud": API}, "version": 2})["claims"]["azpacr"] == "1"
        with pytest.raises(ServerError, match=r"has not the ver '1\.0'"):
            client.post("/tokens", {"claims": {"aud": API, "ver": "1.0"}, "version": 2})
