"""Issuers that applications are federated with: their documents, and what Entra ID makes of them."""

from collections.abc import Callable
from urllib.parse import urlsplit

import jwt
import pytest
from support.entra import claims_of, refusal
from werkzeug.test import Client, TestResponse

from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.directory import Application, FederatedCredential, contoso, identifiers
from azcred_emulators.directory.entities import TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens.access import AppOnlyAccess

Ask = Callable[..., TestResponse]
PIPELINES = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:contoso/shop:ref:refs/heads/main"


@pytest.fixture
def federated(emulators: Emulators, application: Application) -> Application:
    """The service principal, which trusts a pipeline."""
    return emulators.directory.replace(application, federated_credentials=(FederatedCredential(PIPELINES, SUBJECT),))


def present(ask_token: Ask, assertion: str) -> TestResponse:
    """Ask for a token with an assertion."""
    return ask_token(client_secret=None, client_assertion=assertion, client_assertion_type=client_assertions.TYPE)


def fetch(client: Client, url: str, method: str = "GET") -> TestResponse:
    """Send a request to a URL with its host name."""
    parts = urlsplit(url)
    return client.open(parts.path, base_url=f"{parts.scheme}://{parts.netloc}", method=method)


@pytest.mark.parametrize("url", [PIPELINES, identifiers.CLUSTER_ISSUER])
def test_an_issuers_keys_are_where_its_configuration_says(client: Client, emulators: Emulators, url: str) -> None:
    """Under its own host name, as any OpenID Connect client looks them up."""
    issuer = emulators.issuers.get(url)
    configuration = fetch(client, f"{url.rstrip('/')}/.well-known/openid-configuration").get_json()
    assert configuration["issuer"] == url
    keys = fetch(client, configuration["jwks_uri"]).get_json()
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(keys["keys"][0])
    [key] = jwt.PyJWKSet.from_dict(keys).keys
    claims = jwt.decode(issuer.assertion("s"), key, algorithms=["RS256"], audience=TOKEN_EXCHANGE_AUDIENCE)
    assert claims["iss"] == url


def test_an_issuer_has_nothing_else(client: Client, emulators: Emulators) -> None:
    """Neither other addresses nor other methods."""
    emulators.issuers.get(PIPELINES)
    assert fetch(client, f"{PIPELINES}/other").status_code == 404
    assert fetch(client, f"{PIPELINES}/.well-known/openid-configuration", "POST").status_code == 404


def test_an_issuer_that_cannot_be_reached_is_of_no_use(
    ask_token: Ask, client: Client, emulators: Emulators, federated: Application
) -> None:
    """As with a private cluster, or one that does not exist."""
    stranger = emulators.issuers.get("https://stranger.example")
    nowhere = FederatedCredential("https://nowhere.example", SUBJECT)
    emulators.directory.replace(federated, federated_credentials=(*federated.federated_credentials, nowhere))
    unreachable = present(ask_token, stranger.assertion(SUBJECT, issuer=nowhere.issuer))
    assert refusal(unreachable) == (400, "invalid_request", 501661)
    issuer = emulators.issuers.get(PIPELINES)
    assert present(ask_token, issuer.assertion(SUBJECT)).status_code == 200
    assert fetch(client, f"{PIPELINES}/.well-known/openid-configuration").status_code == 200
    issuer.published = False
    assert fetch(client, f"{PIPELINES}/.well-known/openid-configuration").status_code == 404
    assert refusal(present(ask_token, issuer.assertion(SUBJECT))) == (400, "invalid_request", 501661)


def test_an_issuers_new_key_is_known_at_once(ask_token: Ask, emulators: Emulators, federated: Application) -> None:
    """Entra ID fetches the keys; assertions of before the rotation are refused."""
    issuer = emulators.issuers.get("https://rotating.example")
    emulators.directory.replace(federated, federated_credentials=(FederatedCredential(issuer.url, SUBJECT),))
    before = issuer.assertion(SUBJECT)
    issuer.rotate_key()
    assert refusal(present(ask_token, before)) == (401, "invalid_client", 50012)
    assert present(ask_token, issuer.assertion(SUBJECT)).status_code == 200


def test_a_managed_identity_can_be_the_issuer(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """Its token for the exchange audience is an assertion of Entra ID; a user's token is not one."""
    [identity] = emulators.directory.assigned("imds")
    own = f"https://login.microsoftonline.com/{contoso.TENANT.id}/v2.0"
    credential = FederatedCredential(own, identity.object_id)
    emulators.directory.replace(application, federated_credentials=(credential,))
    token = emulators.tokens.app_only(AppOnlyAccess(identity, TOKEN_EXCHANGE_AUDIENCE)).value
    assert claims_of(present(ask_token, token))["appid"] == application.client_id
    users = emulators.tokens.mint(
        {"ver": "2.0", "aud": TOKEN_EXCHANGE_AUDIENCE, "sub": identity.object_id, "scp": "x"}
    ).value
    assert refusal(present(ask_token, users)) == (400, "unauthorized_client", 700229)
