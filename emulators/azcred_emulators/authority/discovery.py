"""The documents by which clients discover a token service: metadata of clouds, endpoints and keys.

Shapes: recorded responses of login.microsoftonline.com; what msal 1.39 and @azure/msal-node 7 require of them.
"""

from azcred_emulators.authority.tenants import SHARED_TENANTS
from azcred_emulators.clouds import CLOUDS, PUBLIC, Cloud
from azcred_emulators.tokens.claims import issuer
from azcred_emulators.tokens.keys import SigningKey


def instance_discovery(base_url: str, tenant: str) -> dict[str, object]:
    """Return the answer to `/common/discovery/instance` for a host that is a token service."""
    return {
        "tenant_discovery_endpoint": f"{base_url}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {
                "preferred_network": cloud.aliases[0],
                "preferred_cache": cloud.preferred_cache,
                "aliases": list(cloud.aliases),
            }
            for cloud in CLOUDS
        ],
    }


def openid_configuration(base_url: str, tenant: str, *, cloud: Cloud, version: int) -> dict[str, object]:
    """Return a tenant's OpenID configuration, v1 or v2.

    `tenant` is the tenant's GUID, or the shared name it was asked under, such as "common": the issuer then
    holds the placeholder `{tenantid}`.
    """
    root = f"{base_url}/{tenant}"
    oauth2 = f"{root}/oauth2/v2.0" if version == 2 else f"{root}/oauth2"
    document: dict[str, object] = {
        "token_endpoint": f"{oauth2}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{root}/discovery/v2.0/keys" if version == 2 else f"{base_url}/common/discovery/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer(cloud, _issuing_tenant(tenant), version),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": (
            f"https://{cloud.graph_host}/oidc/userinfo" if version == 2 else f"{root}/openid/userinfo"
        ),
        "authorization_endpoint": f"{oauth2}/authorize",
        "device_authorization_endpoint": f"{oauth2}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{oauth2}/logout",
        "claims_supported": [
            "sub",
            "iss",
            "cloud_instance_name",
            "cloud_instance_host_name",
            "cloud_graph_host_name",
            "msgraph_host",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "nonce",
            "preferred_username",
            "name",
            "tid",
            "ver",
            "at_hash",
            "c_hash",
            "email",
        ],
        "kerberos_endpoint": f"{root}/kerberos",
        "tenant_region_scope": None if tenant in SHARED_TENANTS else "EU",
        "cloud_instance_name": cloud.instance_name,
        "cloud_graph_host_name": "graph.windows.net" if cloud is PUBLIC else cloud.graph_host,
        "msgraph_host": cloud.graph_host,
        "rbac_url": "https://pas.windows.net",
    }
    return document


def keys(key: SigningKey, *, tenant_issuer: str | None) -> dict[str, object]:
    """Return the keys document; the v2 form names the issuer of each key."""
    published = key.jwk()
    if tenant_issuer:
        published["issuer"] = tenant_issuer
    return {"keys": [published]}


_CONSUMERS_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"  # where personal accounts are


def _issuing_tenant(tenant: str) -> str:
    if tenant == "consumers":
        return _CONSUMERS_TENANT
    return "{tenantid}" if tenant in SHARED_TENANTS else tenant
