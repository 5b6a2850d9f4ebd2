"""azure-identity's credentials that act for a user, or for an app by certificate and assertion: sync and async."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import azure.identity
import azure.identity.aio
import pytest
from azure.core.exceptions import ClientAuthenticationError
from support.entra import GRAPH, REDIRECT, SECRET, VAULT, Entra, claims_of

from azcred_emulators.authority.device_codes import DeviceCodes
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

TENANT = contoso.TENANT.id
SCOPE = f"{VAULT}/.default"
CREDENTIALS = {"sync": azure.identity, "aio": azure.identity.aio}


class Half:
    """One half of azure-identity, each credential of which a test uses in the same words."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self._module: Any = CREDENTIALS[name]
        self._loop = loop
        self._open: list[Any] = []

    def make(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Make a credential, which is closed after the test."""
        credential = getattr(self._module, name)(*arguments, **options)
        self._open.append(credential)
        return credential

    def token(self, credential: Any, *scopes: str, **options: Any) -> dict[str, Any]:
        """Get a token and return its claims."""
        return claims_of(str(self._wait(credential.get_token(*(scopes or (SCOPE,)), **options)).token))

    def close(self) -> None:
        """Close every credential."""
        for credential in self._open:
            self._wait(credential.close())

    def _wait(self, result: Any) -> Any:
        return self._loop.run_until_complete(result) if asyncio.iscoroutine(result) else result


@pytest.fixture(params=list(CREDENTIALS))
def half(request: pytest.FixtureRequest) -> Iterator[Half]:
    """azure-identity, sync and async in turn."""
    loop = asyncio.new_event_loop()
    half = Half(request.param, loop)
    yield half
    half.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def shop(entra: Entra) -> Application:
    """A web app with a secret."""
    return entra.add_web_app()


@pytest.fixture
def codes(entra: Entra) -> DeviceCodes:
    """What the page for device codes decides on."""
    return entra.emulators.authority.context.device_codes


def test_an_authorization_code(azcred: Azcred, entra: Entra, shop: Application, half: Half) -> None:
    """Redeemed once; then the cache answers, and after an hour the refresh token."""
    code = entra.authorize(shop, scope=f"{SCOPE} offline_access")["code"]
    credential = half.make("AuthorizationCodeCredential", TENANT, shop.client_id, code, REDIRECT, client_secret=SECRET)
    assert half.token(credential)["oid"] == identifiers.USER_ID
    assert half.token(credential)["oid"] == identifiers.USER_ID
    azcred.journal.assert_tokens(times=1)
    azcred.clock.advance(hours=2)
    assert half.token(credential)["oid"] == identifiers.USER_ID
    azcred.journal.assert_tokens(grant="refresh_token", times=1)


def test_a_used_authorization_code(entra: Entra, shop: Application, half: Half) -> None:
    """The refusal is in the exception."""
    code = entra.authorize(shop)["code"]
    assert entra.redeem(shop, code).status_code == 200
    credential = half.make("AuthorizationCodeCredential", TENANT, shop.client_id, code, REDIRECT, client_secret=SECRET)
    with pytest.raises(ClientAuthenticationError, match="AADSTS54005"):
        half.token(credential, f"{GRAPH}/User.Read")


@pytest.mark.parametrize("proof", ["secret", "certificate", "assertion"])
def test_on_behalf_of(azcred: Azcred, entra: Entra, shop: Application, half: Half, proof: str) -> None:
    """An API that proves itself by a secret, a certificate or an assertion."""
    key = SigningKey("orders")
    issuer = azcred.issuers.get("https://token.actions.githubusercontent.com")
    api = entra.add_api(
        permission_grants=(ADMIN_CONSENT,),
        certificates=(key.certificate,),
        federated_credentials=(FederatedCredential(issuer.url, "repo:orders"),),
    )
    assertion = entra.sign_in(shop, scope="api://orders/Orders.Read")["access_token"]
    proofs: dict[str, dict[str, Any]] = {
        "secret": {"client_secret": SECRET},
        "certificate": {"client_certificate": key.pem()},
        "assertion": {"client_assertion_func": lambda: issuer.assertion("repo:orders")},
    }
    credential = half.make("OnBehalfOfCredential", TENANT, api.client_id, user_assertion=assertion, **proofs[proof])
    claims = half.token(credential)
    assert (claims["oid"], claims["appid"], claims["aud"]) == (identifiers.USER_ID, api.client_id, VAULT)
    assert half.token(credential)["uti"] == claims["uti"]
    azcred.clock.advance(hours=2)
    if half.name == "sync":  # a refresh token stands in for the assertion, which has expired
        assert half.token(credential)["uti"] != claims["uti"]
    else:  # which does not ask for offline_access (1.27)
        with pytest.raises(ClientAuthenticationError, match="AADSTS500133"):
            half.token(credential)


def pem(key: SigningKey) -> dict[str, Any]:
    """A certificate's PEM."""
    return {"certificate_data": key.pem()}


def encrypted_pem(key: SigningKey) -> dict[str, Any]:
    """A PEM whose private key has a password."""
    return {"certificate_data": key.pem(password="pw"), "password": "pw"}


def pfx(key: SigningKey) -> dict[str, Any]:
    """A PKCS #12 file's content."""
    return {"certificate_data": key.pfx()}


def encrypted_pfx(key: SigningKey) -> dict[str, Any]:
    """A PKCS #12 file's content with a password."""
    return {"certificate_data": key.pfx(password="pw"), "password": "pw"}


@pytest.mark.parametrize("form", [pem, encrypted_pem, pfx, encrypted_pfx])
def test_a_certificate(entra: Entra, half: Half, form: Callable[[SigningKey], dict[str, Any]]) -> None:
    """Registered, in every form; aio signs with PS256 and pads its segments, which Entra ID accepts."""
    key = SigningKey("job")
    job = entra.add_web_app("job", certificates=(key.certificate,))
    credential = half.make("CertificateCredential", TENANT, job.client_id, **form(key))
    assert half.token(credential)["appidacr"] == "2"


def test_a_certificate_from_a_file_with_its_chain(entra: Entra, half: Half, tmp_path: Path) -> None:
    """Subject name and issuer need the chain. aio takes `send_certificate_chain` and does not send it (1.27)."""
    root = SigningKey("Contoso Root")
    key = SigningKey("job.contoso.com", issued_by=root)
    job = entra.add_web_app("job", trusted_subjects=(TrustedSubject("job.contoso.com", root.certificate),))
    file = tmp_path / "job.pfx"
    file.write_bytes(key.pfx(password="pw"))
    credential = half.make(
        "CertificateCredential", TENANT, job.client_id, str(file), password="pw", send_certificate_chain=True
    )
    if half.name == "sync":
        assert half.token(credential)["appid"] == job.client_id
    else:
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            half.token(credential)


def test_a_client_assertion(azcred: Azcred, entra: Entra, half: Half) -> None:
    """Of a pipeline, by a function of the app's own."""
    issuer = azcred.issuers.get("https://token.actions.githubusercontent.com")
    job = entra.add_web_app("job", federated_credentials=(FederatedCredential(issuer.url, "repo:job"),))
    credential = half.make("ClientAssertionCredential", TENANT, job.client_id, lambda: issuer.assertion("repo:job"))
    assert half.token(credential)["appid"] == job.client_id


def test_workload_identity(azcred: Azcred, half: Half) -> None:
    """From the variables that the webhook sets."""
    azcred.environment("kubernetes")
    assert half.token(half.make("WorkloadIdentityCredential"))["appid"] == identifiers.WORKLOAD_CLIENT_ID


def test_continuous_access_evaluation(azcred: Azcred, half: Half) -> None:
    """`enable_cae` gets a long-lived token, apart from the ordinary one, and a challenge a new one."""
    azcred.environment("developer-service-principal")
    credential = half.make("EnvironmentCredential")
    ordinary, capable = half.token(credential), half.token(credential, enable_cae=True)
    assert "xms_cc" not in ordinary
    assert capable["xms_cc"] == ["CP1"]
    assert capable["exp"] - capable["iat"] == 86399 + 300
    assert half.token(credential, enable_cae=True)["uti"] == capable["uti"]
    challenge = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(azcred.clock.now()))}}})
    assert half.token(credential, enable_cae=True, claims=challenge)["uti"] != capable["uti"]


def device_credential(codes: DeviceCodes, decide: Callable[[str], object], **options: Any) -> Any:
    """Make a credential whose prompt is answered at once, so that it need not wait."""

    def prompt(_: str, user_code: str, __: object) -> None:
        decide(user_code)

    return azure.identity.DeviceCodeCredential(prompt_callback=prompt, **options)


def test_a_device_code(azcred: Azcred, entra: Entra, codes: DeviceCodes) -> None:
    """Approved at the prompt; then silent, and a record of the account that other credentials can use."""
    sign_in = entra.emulators.authority.sign_in(entra.user)
    with device_credential(codes, lambda code: codes.approve(code, sign_in)) as credential:
        record = credential.authenticate(scopes=[SCOPE])
        assert (record.username, record.tenant_id) == (entra.user.principal_name, TENANT)
        assert claims_of(credential.get_token(SCOPE).token)["oid"] == identifiers.USER_ID
        azcred.clock.advance(hours=2)
        assert claims_of(credential.get_token(f"{GRAPH}/.default").token)["aud"] == GRAPH
    azcred.journal.assert_tokens(grant="urn:ietf:params:oauth:grant-type:device_code", times=1)


def test_a_declined_device_code(codes: DeviceCodes) -> None:
    """The exception says what the person did."""
    with (
        device_credential(codes, codes.decline) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS65004"),
    ):
        credential.get_token(SCOPE)


def test_an_expired_device_code(azcred: Azcred, codes: DeviceCodes) -> None:
    """Nobody came."""
    with (
        device_credential(codes, lambda _: azcred.clock.advance(minutes=15)) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS70019"),
    ):
        credential.get_token(SCOPE)


def test_a_device_code_that_nobody_approves_in_time(entra: Entra, codes: DeviceCodes) -> None:
    """The credential's own timeout."""
    with (
        device_credential(codes, lambda _: None, timeout=-1) as credential,
        pytest.raises(ClientAuthenticationError, match="Timed out waiting for user to authenticate"),
    ):
        credential.get_token(SCOPE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_user_name_and_password(azcred: Azcred, entra: Entra) -> None:
    """Deprecated, and still in use; a password that has expired is told from a wrong one."""
    user = entra.user

    def credential(password: str) -> Any:
        return azure.identity.UsernamePasswordCredential(identifiers.AZURE_CLI_CLIENT_ID, user.principal_name, password)

    with credential(user.password) as right:
        assert claims_of(right.get_token(SCOPE).token)["oid"] == user.object_id
        azcred.clock.advance(hours=2)
        assert claims_of(right.get_token(SCOPE).token)["oid"] == user.object_id
    azcred.journal.assert_tokens(grant="refresh_token", times=1)
    with credential("wrong") as wrong, pytest.raises(ClientAuthenticationError, match="AADSTS50126"):
        wrong.get_token(SCOPE)
    azcred.directory.replace(user, password_expired=True)
    with credential(user.password) as expired, pytest.raises(ClientAuthenticationError, match="AADSTS50055"):
        expired.get_token(SCOPE)


def test_client_info_makes_the_account(azcred: Azcred, entra: Entra, codes: DeviceCodes) -> None:
    """The account's id is of the user and the home tenant."""
    sign_in = entra.emulators.authority.sign_in(entra.user)
    with device_credential(codes, lambda code: codes.approve(code, sign_in), tenant_id=TENANT) as credential:
        record = credential.authenticate()
    assert record.home_account_id == f"{identifiers.USER_ID}.{TENANT}"
    assert record.authority == "login.microsoftonline.com"
