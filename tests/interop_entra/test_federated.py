"""Users of a federated domain and apps of an AD FS: msal and azure-identity, unmodified."""

from typing import Any

import azure.identity
import jwt
import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from support.entra import AUTHORITY, SECRET, VAULT, Entra, claims_of

from azcred_emulators.directory import User
from azcred_emulators.tokens.keys import SigningKey
from pytest_azcred.azcred import Azcred

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # names and passwords, in both libraries

SCOPE = f"{VAULT}/.default"
ADFS = "https://sts.fabrikam.com"


@pytest.fixture
def grace(azcred: Azcred, entra: Entra) -> User:
    """A user of a federated domain."""
    azcred.federate("fabrikam.com")
    return entra.add_user("grace", principal_name="grace@fabrikam.com", password="<pass&word>")


@pytest.fixture
def app(entra: Entra) -> Any:
    """A desktop app of msal's."""
    return msal.PublicClientApplication(entra.cli.client_id, authority=f"{AUTHORITY}/organizations")


def test_msal_signs_a_federated_user_in(azcred: Azcred, grace: User, app: Any) -> None:
    """It finds the domain's AD FS, gets an assertion there, and never sends the password to Entra ID."""
    result = app.acquire_token_by_username_password(grace.principal_name, grace.password, [SCOPE])
    assert claims_of(result["access_token"])["oid"] == grace.object_id
    assert app.get_accounts()[0]["username"] == grace.principal_name
    asked = [(one.emulator, one.operation) for one in azcred.journal.requests()]
    assert asked[-4:] == [
        ("authority", "userrealm"),
        ("adfs", "mex"),
        ("adfs", "ws-trust"),
        ("authority", "token"),
    ]
    [redeemed] = azcred.journal.requests(operation="token")
    assert redeemed.grant == "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
    azcred.clock.advance(hours=2)
    assert "access_token" in app.acquire_token_silent([SCOPE], app.get_accounts()[0])


def test_msal_reports_what_ad_fs_refuses(grace: User, app: Any) -> None:
    """With the fault's own words."""
    with pytest.raises(RuntimeError, match="ID3242"):
        app.acquire_token_by_username_password(grace.principal_name, "wrong", [SCOPE])


def test_azure_identity_signs_a_federated_user_in(entra: Entra, grace: User) -> None:
    """Through msal."""
    with azure.identity.UsernamePasswordCredential(
        entra.cli.client_id, grace.principal_name, grace.password
    ) as credential:
        assert claims_of(credential.get_token(SCOPE).token)["upn"] == grace.principal_name


def test_an_app_of_ad_fs(azcred: Azcred, entra: Entra) -> None:
    """Azure Stack's tokens come from an AD FS, which azure-identity knows as the tenant "adfs" of its host."""
    azcred.federate("fabrikam.com")
    key = SigningKey("shop")
    shop = entra.add_web_app(certificates=(key.certificate,))
    credentials = [
        azure.identity.ClientSecretCredential("adfs", shop.client_id, SECRET, authority=ADFS),
        azure.identity.CertificateCredential("adfs", shop.client_id, certificate_data=key.pem(), authority=ADFS),
    ]
    for credential in credentials:
        with credential:
            token = credential.get_token(SCOPE).token
        keys = jwt.PyJWKClient(f"{ADFS}/adfs/discovery/keys")
        claims = jwt.decode(token, keys.get_signing_key_from_jwt(token), ["RS256"], audience=VAULT)
        assert (claims["appid"], claims["iss"]) == (shop.client_id, "http://sts.fabrikam.com/adfs/services/trust")
    assert {one.emulator for one in azcred.journal.requests()} == {"adfs"}
    azcred.journal.assert_tokens(emulator="adfs", identity="shop", times=2)


def test_a_user_of_ad_fs(azcred: Azcred, entra: Entra, grace: User) -> None:
    """The password goes to AD FS alone."""
    with azure.identity.UsernamePasswordCredential(
        entra.cli.client_id, grace.principal_name, grace.password, tenant_id="adfs", authority=ADFS
    ) as credential:
        token = credential.get_token(SCOPE).token
    assert claims_of(token)["upn"] == grace.principal_name
    assert {one.emulator for one in azcred.journal.requests()} == {"adfs"}


def test_ad_fs_refuses_an_app(azcred: Azcred, entra: Entra) -> None:
    """azure-identity reports its words."""
    azcred.federate("fabrikam.com")
    shop = entra.add_web_app()
    with (
        azure.identity.ClientSecretCredential("adfs", shop.client_id, "wrong", authority=ADFS) as credential,
        pytest.raises(ClientAuthenticationError, match="MSIS9622"),
    ):
        credential.get_token(SCOPE)
