"""Hypothesis drives the token service with whatever a client may send: never a 500, never a token out of turn."""

import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.entra import AUTHORITY, CHALLENGE, REDIRECT, SECRET, VAULT, Entra
from werkzeug.test import Client

from azcred_emulators.authority.grants.grant_types import GRANTS
from azcred_emulators.directory import ADMIN_CONSENT, Application, ClientSecret, Mfa, User, contoso, identifiers
from azcred_emulators.emulators import Emulators

pytestmark = pytest.mark.slow

TENANTS = [contoso.TENANT.id, "contoso.com", "common", "organizations", "consumers", "no tenant", "fabrikam.com", "%2e"]
PATHS = ["oauth2/v2.0/token", "oauth2/token", "oauth2/v2.0/devicecode", "oauth2/devicecode"]
FIELDS = [
    *("grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope", "resource"),
    *("username", "password", "code", "redirect_uri", "code_verifier", "refresh_token", "device_code", "assertion"),
    *("requested_token_use", "claims", "client_info", "fmi_path", "user_id", "user_federated_identity_credential"),
]
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
HEADERS = {
    "Authorization": st.one_of(
        st.just("Basic Og=="), st.just("Basic !"), st.just("Bearer x"), st.just("Basic " + "A" * 9)
    ),
    "Content-Type": st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "a/b", "", "é"]
    ),
    "Origin": st.text(string.printable.strip(), max_size=20),
    "client-request-id": st.text(string.printable.strip(), max_size=40),
}
common = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def world(entra: Entra) -> dict[str, Any]:
    """A directory in which every identity is at hand but no request is right: each lacks one thing."""
    entra.add_web_app("spa", secrets=(), redirect_uris=(), spa_redirect_uris=(REDIRECT,))
    shop = entra.add_web_app()
    entra.add_user("locked", locked=True)
    entra.add_user("careful", mfa=Mfa.ENFORCED)
    bound = entra.authorize(shop, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    token = entra.sign_in(shop)
    flow = entra.post(
        {"client_id": identifiers.AZURE_CLI_CLIENT_ID, "scope": f"{VAULT}/.default"}, path="oauth2/v2.0/devicecode"
    ).get_json()
    return {
        "client_id": [shop.client_id, identifiers.AZURE_CLI_CLIENT_ID, identifiers.VIRTUAL_MACHINE_CLIENT_ID],
        "client_secret": ["wrong", f"{SECRET} "],
        "client_assertion": [token["id_token"], token["access_token"], "a.b.c"],
        "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
        "assertion": [token["id_token"], token["access_token"], "PGEvPg=="],
        "user_federated_identity_credential": [token["id_token"], token["access_token"]],
        "user_id": [identifiers.USER_ID, "nobody"],
        "grant_type": list(GRANTS),
        "username": [
            "locked@contoso.com",
            "careful@contoso.com",
            "nobody@contoso.com",
            identifiers.USER_PRINCIPAL_NAME,
        ],
        "password": ["pw", "wrong"],
        "code": [bound, flow["device_code"]],
        "device_code": [flow["device_code"]],
        "refresh_token": [token["refresh_token"], bound],
        "redirect_uri": [REDIRECT],
        "scope": [f"{VAULT}/.default", "openid", "api://x/y", "https://[/.default"],
        "resource": [VAULT, "https://[half"],
        "requested_token_use": ["on_behalf_of"],
        "claims": ['{"access_token":{"xms_cc":{"values":["CP1"]}}}', "{", '{"access_token":[]}'],
    }


@common
@given(data=st.data())
def test_no_form_of_these_gets_a_token(data: st.DataObject, world: dict[str, Any], client: Client) -> None:
    """Real ids, codes and tokens among arbitrary text, but never the secret, the verifier or a right password."""
    names = data.draw(st.lists(st.sampled_from(FIELDS), unique=True))
    form = {name: data.draw(st.sampled_from(world.get(name, [""])) | TEXT) for name in names}
    form["grant_type"] = data.draw(st.sampled_from(list(GRANTS)))
    path = f"/{data.draw(st.sampled_from(TENANTS))}/{data.draw(st.sampled_from(PATHS))}"
    response = client.post(path, base_url=AUTHORITY, data=form)
    check(response, path)


@common
@given(body=st.binary(max_size=300), headers=st.fixed_dictionaries({}, optional=HEADERS), data=st.data())
def test_no_body_trips_the_token_service(
    body: bytes, headers: dict[str, str], data: st.DataObject, client: Client
) -> None:
    """Bytes that are no form, with headers that are none of this service's."""
    path = f"/{data.draw(st.sampled_from(TENANTS))}/{data.draw(st.sampled_from(PATHS))}"
    encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    check(client.post(path, base_url=AUTHORITY, data=body, headers=encoded), path)


@common
@given(path=TEXT, query=TEXT, method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD"]))
def test_no_address_trips_it(path: str, query: str, method: str, client: Client) -> None:
    """Any path below any tenant, any query."""
    parameters = dict.fromkeys(("post_logout_redirect_uri", "authorization_endpoint", "client-request-id"), query)
    for prefix in ("", "common/", "common/userrealm/", "common/discovery/instance", "common/oauth2/v2.0/logout"):
        address = f"/{prefix}{quote(path)}"
        response = client.open(address, base_url=AUTHORITY, method=method, query_string=parameters)
        assert response.status_code < 500


def check(response: Any, path: str) -> None:
    """A refusal in Entra ID's shape, and nothing that could be a token."""
    if response.status_code == 200 and path.endswith("devicecode"):
        return
    assert 400 <= response.status_code < 500, response.text
    assert "access_token" not in response.text
    if body := response.get_json(silent=True):
        assert body["error_codes"]


@common
@given(
    secret=TEXT.filter(lambda text: text != SECRET),
    name=st.sampled_from([identifiers.USER_PRINCIPAL_NAME, "ada@contoso.com"]),
    password=TEXT,
)
def test_only_the_right_secret_and_password_will_do(
    secret: str, name: str, password: str, emulators: Emulators, client: Client
) -> None:
    """Whatever else is sent."""
    emulators.reset()
    directory = emulators.directory
    app = directory.add(
        Application(
            name="shop",
            tenant_id=contoso.TENANT.id,
            secrets=(ClientSecret(SECRET),),
            permission_grants=(ADMIN_CONSENT,),
        )
    )
    directory.add(
        User(name="Ada", tenant_id=contoso.TENANT.id, principal_name="ada@contoso.com", password="right\N{SNOWMAN}")
    )
    form = {"client_id": app.client_id, "client_secret": secret, "scope": f"{VAULT}/.default"}
    path = f"/{contoso.TENANT.id}/oauth2/v2.0/token"
    sent = form | {"grant_type": "client_credentials"}
    check(client.post(path, base_url=AUTHORITY, data=sent), path)
    sent = form | {"grant_type": "password", "client_secret": SECRET, "username": name, "password": password}
    check(client.post(path, base_url=AUTHORITY, data=sent), path)
    right = client.post(path, base_url=AUTHORITY, data=sent | {"username": "ada@contoso.com", "password": "right☃"})
    assert right.status_code == 200
