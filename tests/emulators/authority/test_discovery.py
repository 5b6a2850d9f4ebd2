"""The documents by which clients find out about the token service."""

import jwt
import pytest
from werkzeug.test import Client

from azcred_emulators.directory import contoso
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens.access import AppOnlyAccess

AUTHORITY = "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    ("spelling", "tenant", "issuing"),
    [
        (contoso.TENANT.id, contoso.TENANT.id, contoso.TENANT.id),
        (contoso.TENANT.id.upper(), contoso.TENANT.id, contoso.TENANT.id),
        ("contoso.onmicrosoft.com", contoso.TENANT.id, contoso.TENANT.id),
        ("Contoso.com", contoso.TENANT.id, contoso.TENANT.id),
        ("common", "common", "{tenantid}"),
        ("organizations", "organizations", "{tenantid}"),
        ("consumers", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"),
    ],
)
def test_every_spelling_of_a_tenant_has_its_configuration(
    client: Client, spelling: str, tenant: str, issuing: str
) -> None:
    """GUID, domain and shared names lead to endpoints of the tenant and to its issuer, in v1 and v2."""
    v2 = client.get(f"/{spelling}/v2.0/.well-known/openid-configuration", base_url=AUTHORITY).get_json()
    assert v2["token_endpoint"] == f"{AUTHORITY}/{tenant}/oauth2/v2.0/token"
    assert v2["issuer"] == f"{AUTHORITY}/{issuing}/v2.0"
    v1 = client.get(f"/{spelling}/.well-known/openid-configuration", base_url=AUTHORITY).get_json()
    assert v1["token_endpoint"] == f"{AUTHORITY}/{tenant}/oauth2/token"
    assert v1["issuer"] == f"https://sts.windows.net/{issuing}/"


def test_the_configuration_has_every_recorded_key(client: Client) -> None:
    """Clients in other languages read more of the document than Python's do."""
    document = client.get("/common/v2.0/.well-known/openid-configuration", base_url=AUTHORITY).get_json()
    assert set(document) == {
        "token_endpoint",
        "token_endpoint_auth_methods_supported",
        "jwks_uri",
        "response_modes_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "response_types_supported",
        "scopes_supported",
        "issuer",
        "request_uri_parameter_supported",
        "userinfo_endpoint",
        "authorization_endpoint",
        "device_authorization_endpoint",
        "http_logout_supported",
        "frontchannel_logout_supported",
        "end_session_endpoint",
        "claims_supported",
        "kerberos_endpoint",
        "tenant_region_scope",
        "cloud_instance_name",
        "cloud_graph_host_name",
        "msgraph_host",
        "rbac_url",
    }


def test_a_double_slash_does_not_matter(client: Client) -> None:
    """The Azure CLI in Cloud Shell asks for `common//v2.0`."""
    response = client.get("/common//v2.0/.well-known/openid-configuration", base_url=AUTHORITY)
    assert response.status_code == 200


def test_an_unknown_tenant_has_no_configuration(client: Client) -> None:
    """On discovery the error is `invalid_tenant`."""
    response = client.get("/fabrikam.com/v2.0/.well-known/openid-configuration", base_url=AUTHORITY)
    assert response.status_code == 400
    assert response.get_json()["error"] == "invalid_tenant"
    assert response.get_json()["error_codes"] == [90002]


@pytest.mark.parametrize("version", ["/v2.0", ""])
@pytest.mark.parametrize("tenant", ["common", contoso.TENANT.id])
def test_tokens_verify_against_the_published_keys(
    client: Client, emulators: Emulators, version: str, tenant: str
) -> None:
    """The configuration leads to the keys, and the token's `kid` to the one that signed it."""
    document = client.get(f"/{tenant}{version}/.well-known/openid-configuration", base_url=AUTHORITY).get_json()
    keys = client.get(document["jwks_uri"].removeprefix(AUTHORITY), base_url=AUTHORITY).get_json()
    token = emulators.tokens.app_only(
        AppOnlyAccess(next(iter(emulators.directory.assigned("imds"))), "https://vault.azure.net")
    )
    header = jwt.get_unverified_header(token.value)
    assert header["kid"] == header["x5t"] == keys["keys"][0]["kid"] == keys["keys"][0]["x5t"]
    key = next(key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_id == header["kid"])
    claims = jwt.decode(token.value, key, algorithms=["RS256"], audience="https://vault.azure.net")
    assert claims["tid"] == contoso.TENANT.id


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_instance_discovery_confirms_known_hosts(client: Client, version: str) -> None:
    """Clients learn the aliases of each cloud, whichever version of the call they make."""
    response = client.get(
        "/common/discovery/instance",
        base_url=AUTHORITY,
        query_string={
            "api-version": version,
            "authorization_endpoint": "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/authorize",
        },
    )
    body = response.get_json()
    assert body["tenant_discovery_endpoint"] == (
        "https://login.microsoftonline.us/contoso.com/v2.0/.well-known/openid-configuration"
    )
    public = next(one for one in body["metadata"] if "login.microsoftonline.com" in one["aliases"])
    assert public["preferred_network"] == "login.microsoftonline.com"
    assert public["preferred_cache"] == "login.windows.net"


def test_instance_discovery_refuses_an_unknown_host(client: Client) -> None:
    """What is no token service is an invalid instance."""
    response = client.get(
        "/common/discovery/instance",
        base_url=AUTHORITY,
        query_string={"authorization_endpoint": "https://login.example.com/x/oauth2/v2.0/authorize"},
    )
    assert response.status_code == 400
    assert response.get_json()["error"] == "invalid_instance"
    assert response.get_json()["error_codes"] == [50049]


@pytest.mark.parametrize("value", ["", "nonsense", "https://[half"])
def test_instance_discovery_survives_a_malformed_endpoint(client: Client, value: str) -> None:
    """A URL that cannot be read is refused, not tripped over."""
    response = client.get(
        "/common/discovery/instance", base_url=AUTHORITY, query_string={"authorization_endpoint": value}
    )
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("host", "issuer"),
    [
        ("login.partner.microsoftonline.cn", "https://sts.chinacloudapi.cn"),
        ("login.microsoftonline.us", "https://sts.windows.net"),
        ("westeurope.login.microsoft.com", "https://sts.windows.net"),
    ],
)
def test_sovereign_and_regional_hosts_answer_for_their_cloud(client: Client, host: str, issuer: str) -> None:
    """The endpoints stay on the host that was asked; the issuer is the cloud's."""
    document = client.get("/contoso.com/.well-known/openid-configuration", base_url=f"https://{host}").get_json()
    assert document["token_endpoint"] == f"https://{host}/{contoso.TENANT.id}/oauth2/token"
    assert document["issuer"] == f"{issuer}/{contoso.TENANT.id}/"


def test_an_unknown_path_is_not_found(client: Client) -> None:
    """There is nothing there."""
    assert client.get("/contoso.com/nothing", base_url=AUTHORITY).status_code == 404


def test_an_unknown_host_is_named(client: Client) -> None:
    """A request that reaches the emulators under a name they do not emulate is told so."""
    response = client.get("/", base_url="https://www.example.com")
    assert response.status_code == 404
    assert "www.example.com" in response.text
