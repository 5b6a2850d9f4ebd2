"""msal's ConfidentialClientApplication, unmodified: every way to get a token."""

import json
from collections.abc import Callable
from typing import Any

import msal
import pytest
from support.entra import CHALLENGE, GRAPH, REDIRECT, SECRET, VAULT, VERIFIER, Entra, claims_of

from azcred_emulators.directory import (
    ADMIN_CONSENT,
    Application,
    FederatedCredential,
    TrustedSubject,
    contoso,
    identifiers,
)
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred

AUTHORITY = f"https://login.microsoftonline.com/{contoso.TENANT.id}"
READ = [f"{GRAPH}/User.Read"]
ISSUER = "https://token.actions.githubusercontent.com"


@pytest.fixture
def shop(entra: Entra) -> Application:
    """A web app with a secret."""
    return entra.add_web_app()


def confidential(app: Application, credential: Any = SECRET, **options: Any) -> Any:
    """Make msal's client."""
    return msal.ConfidentialClientApplication(
        app.client_id, client_credential=credential, **{"authority": AUTHORITY, **options}
    )


def signed_in(entra: Entra, app: Any, user: Any = None, **options: Any) -> dict[str, Any]:
    """Go through the authorization code flow with msal's own PKCE, state and nonce."""
    flow = app.initiate_auth_code_flow(options.pop("scopes", READ), redirect_uri=REDIRECT, response_mode="form_post")
    redirect = entra.emulators.authority.authorize(flow["auth_uri"], user or entra.user)
    assert redirect.response_mode == "form_post"
    return dict(app.acquire_token_by_auth_code_flow(flow, dict(redirect.parameters), **options))


def test_the_authorization_code_flow_fills_the_cache(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """msal checks state and nonce, finds the account, and from then on answers from its cache or by refresh token."""
    app = confidential(shop)
    result = signed_in(entra, app)
    assert result["id_token_claims"]["preferred_username"] == entra.user.principal_name
    [account] = app.get_accounts()
    assert account["home_account_id"] == f"{identifiers.USER_ID}.{contoso.TENANT.id}"
    assert app.acquire_token_silent(READ, account)["access_token"] == result["access_token"]
    azcred.clock.advance(hours=2)
    renewed = app.acquire_token_silent(READ, account)
    assert renewed["access_token"] != result["access_token"]
    azcred.journal.assert_tokens(grant="authorization_code", times=1)
    azcred.journal.assert_tokens(grant="refresh_token", times=1)


def test_a_cached_account_has_tokens_for_every_resource(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """One refresh token, rotated from resource to resource, through a cache that is stored and loaded between."""
    cache = msal.SerializableTokenCache()
    signed_in(entra, confidential(shop, token_cache=cache))
    for scopes, audience in (([f"{VAULT}/.default"], VAULT), (READ, GRAPH), ([f"{VAULT}/.default"], VAULT)):
        loaded = msal.SerializableTokenCache()
        loaded.deserialize(cache.serialize())
        cache = loaded
        app = confidential(shop, token_cache=cache)
        result = app.acquire_token_silent(scopes, app.get_accounts()[0])
        assert claims_of(result["access_token"])["aud"] == audience
    azcred.journal.assert_tokens(grant="refresh_token", times=1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_code_with_a_verifier_of_the_apps_own(entra: Entra, shop: Application) -> None:
    """The older method, to which an app gives the code itself."""
    back = entra.authorize(shop, code_challenge=CHALLENGE, code_challenge_method="S256")
    app = confidential(shop)
    wrong = app.acquire_token_by_authorization_code(
        back["code"], READ, redirect_uri=REDIRECT, data={"code_verifier": VERIFIER[1:]}
    )
    assert wrong["error_codes"] == [501481]
    right = app.acquire_token_by_authorization_code(
        back["code"], READ, redirect_uri=REDIRECT, data={"code_verifier": VERIFIER}
    )
    assert claims_of(right["access_token"])["oid"] == identifiers.USER_ID


def test_a_refresh_token_from_elsewhere(entra: Entra, shop: Application) -> None:
    """An app that migrates to msal brings its refresh tokens; a used one is answered as Entra ID answers a bad one."""
    token = entra.sign_in(shop)["refresh_token"]
    app = confidential(shop)
    assert claims_of(app.acquire_token_by_refresh_token(token, READ)["access_token"])["oid"] == identifiers.USER_ID
    again = app.acquire_token_by_refresh_token(token, READ)
    assert (again["error"], again["suberror"]) == ("invalid_grant", "bad_token")


def test_a_revoked_session_needs_the_user(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """msal passes the refusal on, by which an app knows to sign the user in again."""
    app = confidential(shop)
    signed_in(entra, app)
    azcred.clock.advance(hours=2)
    azcred.directory.replace(entra.user, tokens_valid_from=azcred.clock.now())
    [account] = app.get_accounts()
    result = app.acquire_token_silent_with_error(READ, account)
    assert (result["error"], result["error_codes"]) == ("invalid_grant", [50173])
    assert result["classification"] == ""


def test_on_behalf_of(entra: Entra, shop: Application) -> None:
    """An API exchanges the token that a web app sent it."""
    api = entra.add_api(permission_grants=shop.permission_grants)
    incoming = signed_in(entra, confidential(shop), scopes=["api://orders/Orders.Read"])["access_token"]
    middle = confidential(api)
    result = middle.acquire_token_on_behalf_of(incoming, [f"{VAULT}/.default"])
    claims = claims_of(result["access_token"])
    assert (claims["aud"], claims["oid"], claims["appid"]) == (VAULT, identifiers.USER_ID, api.client_id)
    forged = entra.emulators.tokens.forge("wrong-key", {"aud": "api://orders", "scp": "x", "oid": identifiers.USER_ID})
    assert middle.acquire_token_on_behalf_of(forged, READ)["error_codes"] == [50013]


def test_user_name_and_password(entra: Entra, shop: Application) -> None:
    """msal asks for the user's realm first."""
    app = confidential(shop)
    result = app.acquire_token_by_username_password(entra.user.principal_name, entra.user.password, READ)
    assert claims_of(result["access_token"])["appidacr"] == "1"
    wrong = app.acquire_token_by_username_password(entra.user.principal_name, "wrong", READ)
    assert wrong["error_codes"] == [50126]
    assert [entry.operation for entry in entra.emulators.journal.requests(operation="userrealm")]


def thumbprint_only(key: SigningKey) -> dict[str, Any]:
    """A certificate by its SHA-1 thumbprint: msal signs with RS256."""
    import base64

    return {"private_key": key.pem().decode(), "thumbprint": base64.urlsafe_b64decode(f"{key.id}=").hex()}


def with_certificate(key: SigningKey) -> dict[str, Any]:
    """A certificate as PEM: msal signs with PS256 and sends it along."""
    return {"private_key": key.pem().decode(), "public_certificate": key.pem().decode()}


def encrypted(key: SigningKey) -> dict[str, Any]:
    """A private key with a password."""
    return {
        "private_key": key.pem(password="pw").decode(),
        "passphrase": "pw",
        "public_certificate": key.pem().decode(),
    }


@pytest.mark.parametrize("credential", [thumbprint_only, with_certificate, encrypted])
def test_a_certificate(entra: Entra, shop: Application, credential: Callable[[SigningKey], dict[str, Any]]) -> None:
    """Registered for the application, in every form that msal takes."""
    key = SigningKey("shop")
    entra.emulators.directory.replace(shop, certificates=(key.certificate,))
    app = confidential(shop, credential(key))
    for scope, audience in ((f"{VAULT}/.default", VAULT), (f"{GRAPH}/.default", GRAPH)):
        result = app.acquire_token_for_client([scope])  # the second time with the same assertion
        claims = claims_of(result["access_token"])
        assert (claims["aud"], claims["appidacr"]) == (audience, "2")


def test_a_certificate_with_its_chain(entra: Entra, shop: Application, tmp_path: Any) -> None:
    """Trusted by subject name and issuer: from PEM and from a PKCS #12 file."""
    root = SigningKey("Contoso Root")
    key = SigningKey("shop.contoso.com", issued_by=root)
    trusted = TrustedSubject("shop.contoso.com", root.certificate)
    entra.emulators.directory.replace(shop, trusted_subjects=(trusted,))
    file = tmp_path / "shop.pfx"
    file.write_bytes(key.pfx(password="pw"))
    pfx = {"private_key_pfx_path": str(file), "passphrase": "pw", "public_certificate": True}
    for credential in (with_certificate(key), pfx):
        result = confidential(shop, credential).acquire_token_for_client([f"{VAULT}/.default"])
        assert claims_of(result["access_token"])["appid"] == shop.client_id
    refused = confidential(shop, thumbprint_only(key)).acquire_token_for_client([f"{VAULT}/.default"])
    assert refused["error_codes"] == [700027]


@pytest.mark.filterwarnings("ignore:Passing a static string:DeprecationWarning")
def test_an_assertion(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """Of an issuer that the application is federated with, as text and as a function."""
    issuer = azcred.issuers.get(ISSUER)
    entra.emulators.directory.replace(shop, federated_credentials=(FederatedCredential(ISSUER, "repo:shop"),))
    for credential in (issuer.assertion("repo:shop"), lambda: issuer.assertion("repo:shop")):
        result = confidential(shop, {"client_assertion": credential}).acquire_token_for_client([f"{VAULT}/.default"])
        assert claims_of(result["access_token"])["appidacr"] == "2"


def test_the_issuers_documents_are_at_their_real_address(azcred: Azcred) -> None:
    """Any client that is routed finds the issuer's keys there."""
    import requests

    azcred.issuers.get(ISSUER)
    document = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
    assert requests.get(document["jwks_uri"], timeout=10).json()["keys"][0]["kty"] == "RSA"


def test_continuous_access_evaluation(azcred: Azcred, shop: Application) -> None:
    """A client with CP1 has long-lived tokens that msal renews halfway, and passes on a resource's challenge."""
    app = confidential(shop, client_capabilities=["CP1"])
    scopes = [f"{VAULT}/.default"]
    first = app.acquire_token_for_client(scopes)
    assert first["expires_in"] in (86398, 86399)
    assert claims_of(first["access_token"])["xms_cc"] == ["CP1"]
    azcred.clock.advance(hours=11)
    assert app.acquire_token_for_client(scopes)["token_source"] == "cache"
    azcred.clock.advance(hours=2)
    assert app.acquire_token_for_client(scopes)["token_source"] == "identity_provider"
    since = str(int(azcred.clock.now()))
    challenge = json.dumps({"access_token": {"nbf": {"essential": True, "value": since}}})
    challenged = app.acquire_token_for_client(scopes, claims_challenge=challenge)
    assert challenged["token_source"] == "identity_provider"


def test_graph_knows_who_signed_in(entra: Entra, shop: Application) -> None:
    """At its real address, with the token that msal got."""
    import requests

    token = signed_in(entra, confidential(shop))["access_token"]
    me = requests.get(f"{GRAPH}/v1.0/me", headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
    assert me["userPrincipalName"] == identifiers.USER_PRINCIPAL_NAME


def test_an_agent_identity_acts_for_its_user_account(azcred: Azcred, entra: Entra) -> None:
    """The blueprint proves the agent, and the agent its account; then the account is in msal's cache."""
    blueprint = entra.add_web_app("blueprint")
    agent_id = "5081ddac-3d33-4766-98fe-80c38c5ce554"
    agent = entra.emulators.directory.add(
        Application(
            name="agent",
            tenant_id=contoso.TENANT.id,
            client_id=agent_id,
            object_id=agent_id,
            agent_blueprint=blueprint.client_id,
            permission_grants=(ADMIN_CONSENT,),
        )
    )
    account = entra.add_user("agent", agent_identity=agent_id)
    exchange = ["api://AzureADTokenExchange/.default"]
    vouching = confidential(blueprint)

    def vouch() -> str:
        return str(vouching.acquire_token_for_client(exchange, fmi_path=agent_id)["access_token"])

    app = confidential(agent, {"client_assertion": vouch})
    own = app.acquire_token_for_client(exchange)["access_token"]
    result = app.acquire_token_by_user_federated_identity_credential(READ, own, user_object_id=account.object_id)
    claims = claims_of(result["access_token"])
    assert (claims["oid"], claims["appid"]) == (account.object_id, agent_id)
    azcred.clock.advance(hours=2)
    [cached] = app.get_accounts()
    assert "access_token" in app.acquire_token_silent(READ, cached)
    by_name = app.acquire_token_by_user_federated_identity_credential(READ, own, username=account.principal_name)
    assert "AADSTS500133" in by_name["error_description"], "the agent's own token has expired"
