"""The claims of Entra ID's tokens, version 1 and 2: app-only and delegated access tokens, and id tokens.

Sources: recorded tokens; Microsoft's "Access token claims reference" and "ID token claims reference".
"""

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from azcred_emulators.clouds import CLOUDS, Cloud
from azcred_emulators.directory import Application, AppRoleAssignment, ManagedIdentity, User
from azcred_emulators.directory.entities import TOKEN_EXCHANGE_APPLICATION_ID, TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.tokens.access import AppOnlyAccess, Delegation
from azcred_emulators.tokens.optional_claims import acct, optional_claims

BACK_DATED = 300  # seconds that iat and nbf lie before the moment of issue
MAXIMUM_GROUPS = 200  # more than these are left out of a token, which says where to find them
CAE_CAPABILITY = "CP1"  # by which a client says that it understands claims challenges
GRAPH_APPLICATION_ID = "00000003-0000-0000-c000-000000000000"


def app_only(access: AppOnlyAccess, *, now: int, lifetime: int, uti: str) -> dict[str, object]:
    """Return the claims of an access token by which an application or managed identity acts for itself."""
    principal, resource, target = access.principal, access.resource, access.target
    tenant_id = access.tenant_id or principal.tenant_id
    version = target.access_token_version if target else 1
    audience = target.client_id if target and version == 2 else resource
    if resource.lower() == TOKEN_EXCHANGE_AUDIENCE.lower():
        version, audience = 2, TOKEN_EXCHANGE_APPLICATION_ID
    claims = _frame(audience, access.cloud, tenant_id, version, now, lifetime)
    if version == 1:
        claims["appid"] = principal.client_id
        claims["appidacr"] = access.authentication.value
        claims["idp"] = claims["iss"]
        claims["idtyp"] = "app"
    else:
        claims["azp"] = principal.client_id
        claims["azpacr"] = access.authentication.value
        if target and "idtyp" in target.optional_claims.access_token:
            claims["idtyp"] = "app"
    claims["oid"] = principal.object_id
    claims["rh"] = f"1.{opaque(30)}."
    if principal.app_role_assignments and (roles := roles_in(principal.app_role_assignments, resource, target)):
        claims["roles"] = list(roles)
    claims["sub"] = access.subject or principal.object_id
    claims["tid"] = tenant_id
    claims["uti"] = uti
    claims["ver"] = f"{version}.0"
    if isinstance(principal, ManagedIdentity):
        claims["xms_mirid"] = principal.resource_id
        if access.host_resource_id and not principal.system_assigned:
            claims["xms_az_rid"] = access.host_resource_id
    if access.capabilities:
        claims["xms_cc"] = list(access.capabilities)
    return claims


def delegated(delegation: Delegation, *, now: int, lifetime: int, uti: str) -> dict[str, object]:
    """Return the claims of an access token by which a client acts for a user."""
    user, client, target = delegation.user, delegation.client, delegation.target
    version = target.access_token_version if target else 1
    audience = target.client_id if target and version == 2 else delegation.resource
    claims = _frame(audience, delegation.cloud, delegation.tenant_id, version, now, lifetime)
    since = max(int(delegation.not_before), int(user.tokens_valid_from))
    claims["nbf"] = claims["iat"] = max(now - BACK_DATED, min(now, since))
    if version == 1:
        claims |= {
            "acct": acct(delegation),
            "acr": "1",
            "amr": list(delegation.sign_in.amr),
            "app_displayname": client.name,
            "appid": client.client_id,
            "appidacr": delegation.authentication.value,
            **_person(user),
            "idtyp": "user",
            "ipaddr": "127.0.0.1",
            "puid": _puid(user),
            "unique_name": user.principal_name,
            "upn": user.principal_name,
        }
    else:
        claims |= {
            "azp": client.client_id,
            "azpacr": delegation.authentication.value,
            "preferred_username": user.principal_name,
        }
    claims |= {
        "name": user.name,
        "oid": user.object_id,
        "rh": f"1.{opaque(30)}.",
        "scp": " ".join(delegation.scopes),
        "sid": delegation.sign_in.id,
        "sub": pairwise_subject(user, target.client_id if target else delegation.resource),
        "tid": delegation.tenant_id,
        "uti": uti,
        "ver": f"{version}.0",
    }
    claims |= _membership(delegation, target, delegation.roles, is_graph=is_graph(delegation.resource))
    if target:
        claims |= optional_claims(delegation, target.optional_claims.access_token, claims)
    if delegation.capabilities:
        claims["xms_cc"] = list(delegation.capabilities)
    return claims


def id_token(
    delegation: Delegation,
    *,
    version: int,
    now: int,
    lifetime: int,
    uti: str,
    nonce: str | None = None,
    access_token: str | None = None,
    code: str | None = None,
    email: bool = False,
) -> dict[str, object]:
    """Return the claims that tell the client itself who has signed in."""
    user, client = delegation.user, delegation.client
    claims = _frame(client.client_id, delegation.cloud, delegation.tenant_id, version, now, lifetime)
    if version == 1:
        claims |= {
            "amr": list(delegation.sign_in.amr),
            **_person(user),
            "ipaddr": "127.0.0.1",
            "unique_name": user.principal_name,
            "upn": user.principal_name,
        }
    else:
        claims["preferred_username"] = user.principal_name
    claims |= {
        "name": user.name,
        "oid": user.object_id,
        "rh": f"1.{opaque(30)}.",
        "sid": delegation.sign_in.id,
        "sub": pairwise_subject(user, client.client_id),
        "tid": delegation.tenant_id,
        "uti": uti,
        "ver": f"{version}.0",
    }
    if nonce:
        claims["nonce"] = nonce
    if access_token:
        claims["at_hash"] = _half_hash(access_token)
    if code:
        claims["c_hash"] = _half_hash(code)
    if email and user.mail:
        claims["email"] = user.mail
    claims |= _membership(delegation, client, delegation.client_roles)
    return claims | optional_claims(delegation, client.optional_claims.id_token, claims)


def roles_in(assignments: Iterable[AppRoleAssignment], resource: str, target: Application | None) -> tuple[str, ...]:
    """Return the roles among assignments that are roles of this resource."""
    names = {name.rstrip("/").lower() for name in (target.resource_names if target else ())}
    names.add(resource.rstrip("/").lower())
    roles = (item.role for item in assignments if item.role and item.resource.rstrip("/").lower() in names)
    return tuple(dict.fromkeys(roles))


def pairwise_subject(user: User, client_id: str) -> str:
    """Return the user's `sub` for one application, which no other application sees."""
    digest = hashlib.sha256(f"{user.object_id.lower()} {client_id.rstrip('/').lower()}".encode()).digest()
    return _base64url(digest)


def is_revoked(claims: Mapping[str, Any], user: User) -> bool:
    """Tell whether a resource that evaluates access continuously must refuse the token: the user's were revoked.

    A client that did not say that it understands the refusal (CP1) keeps its token until it expires.
    """
    issued = claims.get("iat")
    return CAE_CAPABILITY in claims.get("xms_cc", ()) and (issued is None or issued < int(user.tokens_valid_from))


def issuer(cloud: Cloud, tenant_id: str, version: int) -> str:
    """Return the `iss` of the tenant's tokens in a version, 1 or 2."""
    if version == 1:
        return f"{cloud.issuer}/{tenant_id}/"
    return f"https://{cloud.authority_host}/{tenant_id}/v2.0"


def issuers_of(tenant_id: str, *versions: int) -> frozenset[str]:
    """Return every `iss` that a token of the tenant may have, in any cloud, and in these versions or both."""
    return frozenset(issuer(cloud, tenant_id, version) for cloud in CLOUDS for version in versions or (1, 2))


def is_graph(resource: str) -> bool:
    """Tell whether a resource is Microsoft Graph, in any cloud."""
    name = resource.rstrip("/").lower()
    return name == GRAPH_APPLICATION_ID or name in {f"https://{cloud.graph_host}" for cloud in CLOUDS}


def opaque(size: int) -> str:
    """Return random text in place of a claim whose content only Entra ID can read."""
    return _base64url(os.urandom(size))


def _frame(audience: str, cloud: Cloud, tenant_id: str, version: int, now: int, lifetime: int) -> dict[str, object]:
    return {
        "aud": audience,
        "iss": issuer(cloud, tenant_id, version),
        "iat": now - BACK_DATED,
        "nbf": now - BACK_DATED,
        "exp": now + lifetime,
        "aio": opaque(40),
    }


def _membership(
    delegation: Delegation, application: Application | None, roles: tuple[str, ...], *, is_graph: bool = False
) -> dict[str, object]:
    """Return what the token says of the user's roles and groups, as the application it is for wants it."""
    user, configured = delegation.user, application.group_membership_claims if application else None
    claims: dict[str, object] = {}
    if roles:
        claims["roles"] = list(roles)
    if user.member_of and configured in ("All", "SecurityGroup"):
        if len(user.member_of) <= MAXIMUM_GROUPS:
            claims["groups"] = list(user.member_of)
        else:
            endpoint = f"https://graph.windows.net/{delegation.tenant_id}/users/{user.object_id}/getMemberObjects"
            claims["_claim_names"] = {"groups": "src1"}
            claims["_claim_sources"] = {"src1": {"endpoint": endpoint}}
    if user.directory_roles and (is_graph or configured in ("All", "DirectoryRole")):
        claims["wids"] = list(user.directory_roles)
    return claims


def _person(user: User) -> dict[str, object]:
    names = {"family_name": user.surname, "given_name": user.given_name}
    return {name: value for name, value in names.items() if value}


def _puid(user: User) -> str:
    return hashlib.sha256(user.object_id.encode()).hexdigest()[:16].upper()


def _half_hash(text: str) -> str:
    """Return how an id token names what comes with it (OpenID Connect Core, section 3.3.2.11)."""
    digest = hashlib.sha256(text.encode()).digest()
    return _base64url(digest[: len(digest) // 2])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
