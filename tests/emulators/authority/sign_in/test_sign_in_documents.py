"""User realms and signing out."""

import pytest
from support.entra import AUTHORITY, REDIRECT, Entra

from azcred_emulators.directory import contoso


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dana@contoso.com", "Managed"),
        ("nobody@CONTOSO.com", "Managed"),
        ("grace@federated.contoso.com", "Federated"),
        ("x@elsewhere.example", "Unknown"),
        ("contoso.com", "Unknown"),
        ("@", "Unknown"),
        ("%0d%0a", "Unknown"),
    ],
)
@pytest.mark.parametrize("path", ["userrealm", "UserRealm"])
def test_the_domain_decides_where_a_password_is_checked(entra: Entra, name: str, kind: str, path: str) -> None:
    """msal asks before it sends a password, and sends none where it would be of no use."""
    entra.emulators.directory.replace(contoso.TENANT, federated_domains=("federated.contoso.com",))
    body = entra.client.get(f"/common/{path}/{name}?api-version=1.0", base_url=AUTHORITY).get_json()
    assert body["account_type"] == kind
    assert body["cloud_audience_urn"] == "urn:federation:MicrosoftOnline"
    assert ("domain_name" in body) == (kind != "Unknown")
    assert ("federation_active_auth_url" in body) == (kind == "Federated")


@pytest.mark.parametrize("path", ["oauth2/v2.0/logout", "oauth2/logout"])
def test_signing_out_leads_back_to_the_app(entra: Entra, path: str) -> None:
    """With its state, in both versions."""
    entra.add_web_app()
    response = entra.client.get(
        f"/common/{path}", base_url=AUTHORITY, query_string={"post_logout_redirect_uri": REDIRECT, "state": "a&b"}
    )
    assert response.status_code == 302
    assert response.headers["Location"] == f"{REDIRECT}?state=a%26b"


@pytest.mark.parametrize(
    "address",
    ["", "https://evil.example", f"{REDIRECT}/..", "//evil.example", "javascript:alert(1)", "http://l\nocalhost"],
)
def test_signing_out_leads_nowhere_else(entra: Entra, address: str) -> None:
    """An address that no app has registered is not gone to."""
    entra.add_web_app()
    response = entra.client.get(
        "/common/oauth2/v2.0/logout", base_url=AUTHORITY, query_string={"post_logout_redirect_uri": address}
    )
    assert response.status_code == 200
    assert "Location" not in response.headers
    assert "signed out" in response.text
