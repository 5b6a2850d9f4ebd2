"""An API that calls another one for its user: azure-identity's credential and ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.implementations import Implementation, kind_of
from support.entra import GRAPH, OBO_GRANT, SECRET, VAULT, Entra, claims_of

from azcred_emulators.directory import ADMIN_CONSENT, Application, FederatedCredential, contoso, identifiers
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred

pytestmark = pytest.mark.slow

TENANT = contoso.TENANT.id
SCOPE = f"{VAULT}/.default"
ISSUER = "https://token.actions.githubusercontent.com"

PROOFS: dict[str, Callable[[Azcred, SigningKey], dict[str, Any]]] = {
    "secret": lambda azcred, key: {"client_secret": SECRET},
    "certificate": lambda azcred, key: {"client_certificate": key.pem()},
    "certificate with a password": lambda azcred, key: {"client_certificate": key.pfx(password="pw"), "password": "pw"},
    "certificate with its chain": lambda azcred, key: {
        "client_certificate": key.pem(),
        "send_certificate_chain": True,
    },
    "assertion": lambda azcred, key: {
        "client_assertion_func": lambda: azcred.issuers.get(ISSUER).assertion("repo:orders")
    },
}


@pytest.fixture(scope="module")
def key() -> SigningKey:
    """The key of the API's certificate."""
    return SigningKey("orders")


@pytest.fixture
def api(entra: Entra, key: SigningKey) -> Application:
    """The API in the middle."""
    return entra.add_api(
        permission_grants=(ADMIN_CONSENT,),
        certificates=(key.certificate,),
        federated_credentials=(FederatedCredential(ISSUER, "repo:orders"),),
    )


@pytest.fixture
def assertion(entra: Entra, api: Application) -> str:
    """The token that its user sent."""
    return str(entra.sign_in(entra.add_web_app(), scope="api://orders/Orders.Read")["access_token"])


@pytest.mark.parametrize("proof", PROOFS)
def test_each_proof(
    azcred: Azcred, package: Implementation, api: Application, assertion: str, key: SigningKey, proof: str
) -> None:
    """The token is the user's, from this API to the next; it is kept."""
    azcred.journal.clear()
    credential = package.OnBehalfOfCredential(
        TENANT, api.client_id, user_assertion=assertion, **PROOFS[proof](azcred, key)
    )
    claims = claims_of(credential.get_token(SCOPE).token)
    assert (claims["oid"], claims["appid"], claims["aud"]) == (identifiers.USER_ID, api.client_id, VAULT)
    credential.get_token(SCOPE)
    assert [entry.grant for entry in azcred.journal.requests(operation="token")] == [OBO_GRANT]


def test_a_refresh_token_stands_in_for_the_users_token(
    azcred: Azcred, package: Implementation, api: Application, assertion: str
) -> None:
    """For another resource, and once the user's token has expired."""
    azcred.journal.clear()
    credential = package.OnBehalfOfCredential(TENANT, api.client_id, user_assertion=assertion, client_secret=SECRET)
    credential.get_token(SCOPE)
    credential.get_token(f"{GRAPH}/.default")
    azcred.clock.advance(hours=2)
    assert claims_of(credential.get_token(SCOPE).token)["oid"] == identifiers.USER_ID
    grants = [entry.grant for entry in azcred.journal.requests(operation="token")]
    assert grants == [OBO_GRANT, "refresh_token", "refresh_token"]


def test_a_users_token_that_has_expired(
    azcred: Azcred, package: Implementation, api: Application, assertion: str
) -> None:
    """Entra ID's reason is in the error, the token is not."""
    credential = package.OnBehalfOfCredential(TENANT, api.client_id, user_assertion=assertion, client_secret=SECRET)
    azcred.clock.advance(hours=2)
    with pytest.raises(ClientAuthenticationError, match="AADSTS500133") as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert assertion not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"user_assertion": "", "client_secret": "x"}, TypeError),
        ({"user_assertion": "token"}, TypeError),
        ({"user_assertion": "token", "client_secret": "x", "client_certificate": b"x"}, ValueError),
        ({"user_assertion": "token", "client_secret": "x", "client_assertion_func": str}, ValueError),
        ({"user_assertion": "token", "client_certificate": b"x", "client_assertion_func": str}, ValueError),
        ({"user_assertion": "token", "client_certificate": b"garbage"}, ValueError),
    ],
)
def test_arguments_that_make_no_sense(
    package: Implementation, arguments: dict[str, Any], expected: type[Exception]
) -> None:
    """The app learns it when it starts."""
    with pytest.raises(expected):
        package.OnBehalfOfCredential(TENANT, "client", **arguments)
