"""Each family of services refuses in its own form, names its audience, and helps in the journal."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from azcred_emulators.apis.refusals import FORMS
from azcred_emulators.audiences import SERVICES
from azcred_emulators.directory import Tenant, contoso
from azcred_emulators.emulators import Emulators

from .conftest import Ask

TENANT = contoso.TENANT.id
ENTRA = f"https://login.microsoftonline.com/{TENANT}"

# The host, its audience, and what its challenge and its body have of its own.
HOSTS = {
    "shop.vault.azure.net": ("https://vault.azure.net", f'Bearer authorization="{ENTRA}", resource="', "AKV10000"),
    "shop.vault.azure.cn": (
        "https://vault.azure.cn",
        f'Bearer authorization="https://login.partner.microsoftonline.cn/{TENANT}", resource="',
        "AKV10000",
    ),
    "shop.vault.usgovcloudapi.net": (
        "https://vault.usgovcloudapi.net",
        f'Bearer authorization="https://login.microsoftonline.us/{TENANT}", resource="',
        "AKV10000",
    ),
    "shop.blob.core.windows.net": (
        "https://storage.azure.com",
        f"Bearer authorization_uri={ENTRA}/oauth2/authorize resource_id=https://storage.azure.com",
        "<Code>InvalidAuthenticationInfo</Code>",
    ),
    "shop.table.core.windows.net": (
        "https://storage.azure.com",
        f"Bearer authorization_uri={ENTRA}/oauth2/authorize resource_id=https://storage.azure.com",
        '"odata.error":{"code":"InvalidAuthenticationInfo"',
    ),
    "shop.azurecr.io": (
        "https://containerregistry.azure.net",
        'Bearer realm="https://shop.azurecr.io/oauth2/token",service="shop.azurecr.io",scope="registry:catalog:*"',
        '{"errors":[{"code":"UNAUTHORIZED"',
    ),
    "shop.azconfig.io": ("https://appconfig.azure.com", "HMAC-SHA256", ""),
    "shop.westeurope.batch.azure.com": (
        "https://batch.core.windows.net/",
        f'Bearer authorization_uri="{ENTRA}/oauth2/authorize"',
        '"key":"AuthenticationErrorDetail"',
    ),
    "shop.kusto.windows.net": (
        "https://kusto.kusto.windows.net",
        f'Bearer authorization_uri="{ENTRA}/oauth2/authorize", resource_id="https://kusto.kusto.windows.net"',
        '"@message":"the token is not for',
    ),
    "shop.search.windows.net": ("https://search.azure.com", None, '{"error":{"code":"Unauthorized"'),
    "shop.documents.azure.com": ("https://shop.documents.azure.com", None, '{"code":"Unauthorized"'),
    "management.azure.com": (
        "https://management.azure.com",
        f'Bearer authorization_uri="{ENTRA}"',
        '{"error":{"code":"InvalidAuthenticationToken"',
    ),
    "graph.microsoft.com": (
        "https://graph.microsoft.com",
        f'Bearer realm="", authorization_uri="{ENTRA}/oauth2/authorize"',
        '{"error":{"code":"InvalidAuthenticationToken"',
    ),
    "orders.contoso.com": (
        "https://orders.contoso.com",
        f'Bearer authorization_uri="{ENTRA}/oauth2/authorize", resource_id="https://orders.contoso.com"',
        '{"error":{"code":"Unauthorized"',
    ),
}
OWN_WORDS = ("AKV10000", "odata.error", '"errors"', "AuthenticationErrorDetail", "InvalidAuthenticationInfo")


def authorization(host: str, token: str) -> str:
    """Return the header with a token as the host's clients write it."""
    return quote(f"type=aad&ver=1.0&sig={token}") if "documents" in host else f"Bearer {token}"


def test_every_family_is_in_use() -> None:
    """A form for each family, and a family for each form."""
    assert {service.family for service in SERVICES} == set(FORMS)


@pytest.mark.parametrize("host", HOSTS)
def test_a_wrong_audience(host: str, emulators: Emulators, ask: Ask) -> None:
    """In the form of the service and in no other's; the journal has what the token had, and what would help."""
    emulators.resources.add(host)
    audience, challenge, own = HOSTS[host]
    token = emulators.tokens.mint({"aud": "https://example.azure.com"}).value
    answer = ask(f"https://{host}/x/y", headers={"Authorization": authorization(host, token)})
    assert answer.status_code == 401
    shown = ", ".join(answer.headers.getlist("WWW-Authenticate"))
    assert shown.startswith(challenge) if challenge else not shown
    assert own in answer.text
    foreign = set(OWN_WORDS) - {word for word in OWN_WORDS if word in own}
    if "<Code>" not in own:
        assert not [word for word in foreign if word in answer.text]
    if host != "shop.azconfig.io":  # its answer is empty, as in Azure
        assert audience in shown + answer.text
    entry = emulators.journal.requests(emulator="resource")[-1]
    assert "the token has aud=https://example.azure.com" in (entry.error or "")
    advice = f"azcred.resource('https://{host}', audience='https://example.azure.com') takes tokens for that"
    assert advice in (entry.error or "")


@pytest.mark.parametrize("host", HOSTS)
def test_a_right_audience_after_all(host: str, emulators: Emulators, ask: Ask) -> None:
    """With what the journal advises, the token is taken; without a token and with an expired one there is a 401."""
    resource = emulators.resources.add(host, "https://example.azure.com")
    resource.answer("GET", "/x/y", data="found")
    good = emulators.tokens.mint({"aud": "https://example.azure.com"}).value
    expired = emulators.tokens.mint({"aud": "https://example.azure.com", "exp": 1}).value
    statuses = [
        ask(f"https://{host}/x/y", headers={"Authorization": authorization(host, token)}).status_code
        for token in (good, expired, "")
    ]
    assert statuses == [200, 401, 401]
    assert ask(f"https://{host}/x/y").status_code == 401


@pytest.mark.parametrize(
    ("host", "audience", "body"),
    [
        ("shop.vault.azure.net", "https://vault.azure.net", '"innererror":{"code":"ForbiddenByRbac"}'),
        ("shop.blob.core.windows.net", "https://storage.azure.com", "<Code>AuthorizationPermissionMismatch</Code>"),
        ("shop.table.core.windows.net", "https://storage.azure.com", '"code":"AuthorizationPermissionMismatch"'),
        ("shop.azurecr.io", "https://containerregistry.azure.net", '"code":"DENIED"'),
        ("shop.azconfig.io", "https://azconfig.io", ""),
        ("shop.westeurope.batch.azure.com", "https://batch.core.windows.net/", '"code":"AuthorizationFailed"'),
        ("shop.search.windows.net", "https://search.azure.com", '"code":"Forbidden"'),
        ("shop.documents.azure.com", "https://cosmos.azure.com", "Request blocked by Auth shop : "),
        ("management.azure.com", "https://management.core.windows.net", '"code":"AuthorizationFailed"'),
        ("graph.microsoft.com", "https://graph.microsoft.com", '"code":"Authorization_RequestDenied"'),
        ("orders.contoso.com", "https://orders.contoso.com", '"code":"Forbidden"'),
    ],
)
def test_a_missing_role(host: str, audience: str, body: str, emulators: Emulators, ask: Ask) -> None:
    """A 403 in the form of the service, without a challenge."""
    emulators.resources.add(host).allow()
    token = emulators.tokens.mint({"aud": audience}).value
    answer = ask(f"https://{host}/x/y", headers={"Authorization": authorization(host, token)})
    assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (403, False)
    assert body in answer.text
    if "documents" in host:
        assert answer.headers["x-ms-substatus"] == "5300"


@pytest.mark.parametrize("host", [host for host in HOSTS if host != "graph.microsoft.com"])
def test_a_claims_challenge(host: str, emulators: Emulators, ask: Ask) -> None:
    """It names the resource's tenant, and the next token is taken; Cosmos DB and Azure have none for it."""
    other = emulators.directory.add(Tenant("99999999-9999-4999-8999-999999999999", ("fabrikam.com",), "Fabrikam"))
    resource = emulators.resources.add(host, "api://x", tenant="fabrikam.com")
    resource.answer("GET", "/x/y", data="found")
    old = emulators.tokens.mint({"aud": "api://x"}).value
    resource.challenge({"acrs": {"essential": True, "value": "c1"}})
    new = emulators.tokens.mint({"aud": "api://x"}).value
    answer = ask(f"https://{host}/x/y", headers={"Authorization": authorization(host, old)})
    assert answer.status_code == 401
    if "documents" not in host:
        challenge = answer.headers["WWW-Authenticate"]
        assert f"/{other.id}/oauth2/authorize" in challenge
        assert 'error="insufficient_claims"' in challenge
        claims = json.loads(base64.b64decode(challenge.partition('claims="')[2].rstrip('"')))
        assert claims == {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    assert ask(f"https://{host}/x/y", headers={"Authorization": authorization(host, new)}).status_code == 200


def test_batch_minds_the_slash(emulators: Emulators, ask: Ask) -> None:
    """As the service does: the scope has two slashes."""
    emulators.resources.add("shop.westeurope.batch.azure.com").answer("GET", "/pools", json={})
    url = "https://shop.westeurope.batch.azure.com/pools"
    for audience, status in (("https://batch.core.windows.net/", 200), ("https://batch.core.windows.net", 401)):
        assert ask(url, audience=audience).status_code == status


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("type=aad&ver=1.0&sig={}", 200),
        ("type%3daad%26ver%3d1.0%26sig%3d{}", 200),
        ("type%3Daad%26ver%3D1.0%26sig%3D{}", 200),
        ("type=master&ver=1.0&sig={}", 401),
        ("Bearer {}", 401),
    ],
)
def test_cosmos_header(header: str, status: int, emulators: Emulators, ask: Ask) -> None:
    """Raw as from Python and Node.js, or encoded as from .NET; a key and a bearer token are none."""
    emulators.resources.add("shop.documents.azure.com").answer("GET", "/x", json={})
    token = emulators.tokens.mint({"aud": "https://shop.documents.azure.com"}).value
    url = "https://shop.documents.azure.com/x"
    assert ask(url, headers={"Authorization": header.format(token)}).status_code == status


def test_a_refused_head(emulators: Emulators, ask: Ask) -> None:
    """Storage's has its headers, and nothing that says that there is a body."""
    emulators.resources.add("shop.blob.core.windows.net")
    answer = ask("https://shop.blob.core.windows.net/a/b", "HEAD")
    assert answer.headers["x-ms-error-code"] == "NoAuthenticationInformation"
    assert ("Content-Type" in answer.headers, answer.data) == (False, b"")
    assert "resource_id=https://storage.azure.com" in answer.headers["WWW-Authenticate"]


def test_a_tenant_that_is_none(emulators: Emulators) -> None:
    """Is refused where it is named."""
    with pytest.raises(ValueError, match=r"the directory has no tenant .fabrikam\.com."):
        emulators.resources.add("shop.vault.azure.net", tenant="fabrikam.com")
