"""The client credentials grant: who gets a token, and what Entra ID answers everybody else."""

from collections.abc import Callable
from dataclasses import dataclass, field

import jwt
import pytest
from werkzeug.test import Client, TestResponse

from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.directory import Application, ClientSecret, FederatedCredential, contoso, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens.keys import SigningKey

AUTHORITY = "https://login.microsoftonline.com"
TOKEN_URL = f"/{contoso.TENANT.id}/oauth2/v2.0/token"
VAULT = "https://vault.azure.net"
Ask = Callable[..., TestResponse]


def claims_of(response: TestResponse) -> dict[str, object]:
    """Read the token of an answer."""
    assert response.status_code == 200, response.text
    token = response.get_json()["access_token"]
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_the_right_secret_gets_a_v1_token(ask_token: Ask, application: Application) -> None:
    """A token for an Azure service has the claims of a version 1 app-only token."""
    claims = claims_of(ask_token())
    assert claims["aud"] == VAULT
    assert claims["iss"] == f"https://sts.windows.net/{contoso.TENANT.id}/"
    assert claims["appid"] == application.client_id
    assert claims["appidacr"] == "1"
    assert claims["idtyp"] == "app"
    assert claims["oid"] == claims["sub"] == application.object_id
    assert claims["tid"] == contoso.TENANT.id
    assert claims["ver"] == "1.0"


def test_the_answer_has_the_fields_and_headers_of_entra_id(ask_token: Ask) -> None:
    """Lifetimes are numbers at the v2 endpoint, and nothing may be cached."""
    response = ask_token()
    body = response.get_json()
    assert set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] in (3599, 3600)
    assert response.headers["Cache-Control"] == "no-store, no-cache"
    assert response.headers["x-ms-request-id"]


def test_the_v1_endpoint_answers_in_strings(ask_token: Ask) -> None:
    """The v1 endpoint takes `resource` and returns every value as a string."""
    response = ask_token(f"/{contoso.TENANT.id}/oauth2/token", resource=VAULT, scope=None)
    body = response.get_json()
    assert body["resource"] == VAULT
    assert all(isinstance(value, str) for value in body.values())


def test_a_resource_with_a_slash_at_its_end_keeps_it(ask_token: Ask) -> None:
    """`https://management.core.windows.net//.default` asks for the audience with one slash."""
    claims = claims_of(ask_token(scope="https://management.core.windows.net//.default"))
    assert claims["aud"] == "https://management.core.windows.net/"


def test_scopes_of_openid_connect_do_not_matter(ask_token: Ask) -> None:
    """The SDKs for Go and Java ask for them beside the resource, though no user is there."""
    answer = ask_token(scope=f"openid profile offline_access {VAULT}/.default")
    assert claims_of(answer)["aud"] == VAULT
    assert not {"id_token", "refresh_token"} & set(answer.get_json())


def test_the_resource_decides_the_version_of_its_tokens(ask_token: Ask, emulators: Emulators) -> None:
    """An application whose manifest asks for version 2 gets version 2 tokens, from whichever endpoint."""
    orders = emulators.directory.add(
        Application(
            name="orders", tenant_id=contoso.TENANT.id, identifier_uris=("api://orders",), access_token_version=2
        )
    )
    claims = claims_of(ask_token(scope="api://orders/.default"))
    assert claims["aud"] == orders.client_id
    assert claims["iss"] == f"https://login.microsoftonline.com/{contoso.TENANT.id}/v2.0"
    assert claims["azpacr"] == "1"
    assert claims["ver"] == "2.0"
    assert "appid" not in claims
    assert "idp" not in claims


def test_basic_authorization_is_accepted(client: Client, application: Application) -> None:
    """`client_secret_basic` is among the methods that the OpenID configuration lists."""
    response = client.post(
        TOKEN_URL,
        base_url=AUTHORITY,
        data={"grant_type": "client_credentials", "scope": f"{VAULT}/.default"},
        auth=(application.client_id, application.secrets[0].value),
    )
    assert claims_of(response)["appid"] == application.client_id


@dataclass(frozen=True)
class Refusal:
    """A token request that is wrong in one way, and how Entra ID refuses it."""

    wrong: str
    status: int
    error: str
    code: int
    form: dict[str, str | None] = field(default_factory=dict)
    url: str = TOKEN_URL


REFUSALS = [
    Refusal("the secret", 401, "invalid_client", 7000215, {"client_secret": "wrong"}),
    Refusal("no secret", 401, "invalid_client", 7000216, {"client_secret": None}),
    Refusal("an unknown application", 400, "unauthorized_client", 700016, {"client_id": "8" * 8}),
    Refusal("no client id", 400, "invalid_request", 900144, {"client_id": None}),
    Refusal("no grant", 400, "invalid_request", 900144, {"grant_type": None}),
    Refusal("an unknown grant", 400, "unsupported_grant_type", 70003, {"grant_type": "magic"}),
    Refusal("no scope", 400, "invalid_request", 90014, {"scope": None}),
    Refusal("a scope without /.default", 400, "invalid_scope", 1002012, {"scope": VAULT}),
    Refusal("no resource at all", 400, "invalid_scope", 1002012, {"scope": "openid profile"}),
    Refusal("two resources", 400, "invalid_request", 700022, {"scope": f"{VAULT}/.default https://x/.default"}),
    Refusal("a scope of strange characters", 400, "invalid_scope", 70011, {"scope": "<script>/.default"}),
    Refusal("an unknown resource", 400, "invalid_resource", 500011, {"scope": "https://typo.example/.default"}),
    Refusal("resource at v2", 400, "invalid_request", 901002, {"resource": VAULT}),
    Refusal(
        "an unknown tenant",
        400,
        "invalid_request",
        90002,
        url=f"/{'9' * 8}-9999-4999-8999-{'9' * 12}/oauth2/v2.0/token",
    ),
    Refusal("an unknown domain", 400, "invalid_request", 90002, url="/fabrikam.com/oauth2/v2.0/token"),
    Refusal("a malformed tenant", 400, "invalid_request", 900023, url="/no_tenant/oauth2/v2.0/token"),
    Refusal("a shared tenant", 400, "invalid_request", 50059, url="/common/oauth2/v2.0/token"),
    Refusal("no resource at v1", 400, "invalid_request", 900144, url=f"/{contoso.TENANT.id}/oauth2/token"),
    Refusal(
        "a malformed assertion",
        400,
        "invalid_request",
        50027,
        {"client_secret": None, "client_assertion": "a.b.c", "client_assertion_type": client_assertions.TYPE},
    ),
    Refusal(
        "an assertion of no type", 400, "invalid_request", 900144, {"client_secret": None, "client_assertion": "a.b.c"}
    ),
    Refusal(
        "an assertion of another type",
        400,
        "invalid_request",
        90023,
        {"client_secret": None, "client_assertion": "a.b.c", "client_assertion_type": "saml"},
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.wrong)
def test_a_wrong_request_gets_the_answer_of_entra_id(
    refusal: Refusal, ask_token: Ask, emulators: Emulators, application: Application
) -> None:
    """Status, error, code and the journal's entry name what is wrong; the secret is nowhere."""
    response = ask_token(refusal.url, **refusal.form)
    body = response.get_json()
    assert (response.status_code, body["error"], body["error_codes"]) == (
        refusal.status,
        refusal.error,
        [refusal.code],
    )
    assert body["error_description"].startswith(f"AADSTS{refusal.code}: ")
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }
    assert body["trace_id"] == response.headers["x-ms-request-id"]
    [entry] = emulators.journal.requests()
    assert (entry.status, entry.error) == (refusal.status, f"AADSTS{refusal.code}")
    assert application.secrets[0].value not in response.text + repr(entry)


def test_the_correlation_id_is_the_clients_own(client: Client) -> None:
    """A client that sends `client-request-id` finds it in the error."""
    own = "99999999-9999-4999-8999-999999999999"
    response = client.post(TOKEN_URL, base_url=AUTHORITY, headers={"client-request-id": own})
    assert response.get_json()["correlation_id"] == own


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_token_endpoint_takes_posts_only(client: Client, method: str) -> None:
    """Another method has an AADSTS code of its own."""
    response = client.open(TOKEN_URL, base_url=AUTHORITY, method=method)
    assert response.status_code == 400
    assert response.get_json()["error_codes"] == [900561]


@pytest.mark.parametrize("body", [b"{}", b"\xff\xfe\x00", b"%%%=%%%&&&===", b"a" * 200_000])
def test_a_body_that_is_no_form_lacks_the_grant(client: Client, body: bytes) -> None:
    """Whatever cannot be read as a form is a form without fields."""
    response = client.post(TOKEN_URL, base_url=AUTHORITY, data=body)
    assert response.status_code == 400
    assert response.get_json()["error_codes"] == [900144]


def test_an_oversized_body_is_refused_unread(client: Client) -> None:
    """A form beyond any that a client sends is too large."""
    response = client.post(TOKEN_URL, base_url=AUTHORITY, data={"grant_type": "x" * 1_000_000})
    assert response.status_code == 413


def test_an_expired_secret_is_told_from_a_wrong_one(
    ask_token: Ask, emulators: Emulators, application: Application
) -> None:
    """The secret was right once: the code says so."""
    old = ClientSecret("s3cr3t~old", expires=emulators.clock.now() - 1)
    emulators.directory.replace(application, secrets=(old,))
    assert ask_token(client_secret="s3cr3t~old").get_json()["error_codes"] == [7000222]
    assert ask_token(client_secret="wrong").get_json()["error_codes"] == [7000215]


def test_a_rotated_secret_works_at_once(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """The directory is read at each request."""
    emulators.directory.replace(application, secrets=(ClientSecret("s3cr3t~new"),))
    assert ask_token().status_code == 401
    assert ask_token(client_secret="s3cr3t~new").status_code == 200


# Certificates


@pytest.fixture
def certificate(emulators: Emulators, application: Application) -> SigningKey:
    """A certificate that is registered for the application."""
    key = SigningKey("orders")
    emulators.directory.replace(application, certificates=(key.certificate,))
    return key


def client_assertion(key: SigningKey, emulators: Emulators, **changes: object) -> str:
    """Make an assertion as a client with a certificate does."""
    now = int(emulators.clock.now())
    claims = {
        "aud": f"{AUTHORITY}{TOKEN_URL}",
        "iss": identifiers.SERVICE_PRINCIPAL_CLIENT_ID,
        "sub": identifiers.SERVICE_PRINCIPAL_CLIENT_ID,
        "jti": "1",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        **changes,
    }
    return key.sign(claims, header={"x5t": key.id})


def test_a_registered_certificate_gets_a_token(ask_token: Ask, emulators: Emulators, certificate: SigningKey) -> None:
    """The token says that a certificate was used."""
    response = ask_token(
        client_secret=None,
        client_assertion=client_assertion(certificate, emulators),
        client_assertion_type=client_assertions.TYPE,
    )
    assert claims_of(response)["appidacr"] == "2"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"exp": 0}, 401, 700024),
        ({"nbf": 4_000_000_000}, 401, 700024),
        ({"aud": "https://login.microsoftonline.com/fabrikam.com/oauth2/v2.0/token"}, 401, 700023),
        ({"aud": "https://elsewhere.example/"}, 401, 700023),
        ({"iss": identifiers.WORKLOAD_CLIENT_ID, "sub": identifiers.WORKLOAD_CLIENT_ID}, 400, 700021),
    ],
)
def test_a_wrong_certificate_assertion_is_refused(
    ask_token: Ask,
    emulators: Emulators,
    certificate: SigningKey,
    changes: dict[str, object],
    status: int,
    code: int,
) -> None:
    """Expired, for another tenant, or another application's: each has its code."""
    response = ask_token(
        client_secret=None,
        client_assertion=client_assertion(certificate, emulators, **changes),
        client_assertion_type=client_assertions.TYPE,
    )
    assert (response.status_code, response.get_json()["error_codes"]) == (status, [code])


def test_an_unregistered_certificate_is_refused(ask_token: Ask, emulators: Emulators) -> None:
    """The thumbprint in the header must be one of the application's."""
    response = ask_token(
        client_secret=None,
        client_assertion=client_assertion(SigningKey("foreign"), emulators),
        client_assertion_type=client_assertions.TYPE,
    )
    assert (response.status_code, response.get_json()["error_codes"]) == (401, [700027])


def test_a_registered_thumbprint_with_a_foreign_signature_is_refused(
    ask_token: Ask, emulators: Emulators, certificate: SigningKey
) -> None:
    """The thumbprint alone proves nothing."""
    foreign = SigningKey("foreign")
    foreign.id = certificate.id
    response = ask_token(
        client_secret=None,
        client_assertion=client_assertion(foreign, emulators),
        client_assertion_type=client_assertions.TYPE,
    )
    assert (response.status_code, response.get_json()["error_codes"]) == (401, [700027])


# Federated credentials


@dataclass(frozen=True)
class Foreign:
    """An assertion of the cluster that is wrong in one way."""

    wrong: str
    code: int
    subject: str = identifiers.SERVICE_ACCOUNT
    changes: dict[str, object] = field(default_factory=dict)


@pytest.mark.parametrize(
    "foreign",
    [
        Foreign("subject", 700213, subject="system:serviceaccount:default:other"),
        Foreign("case of the subject", 7002138, subject=identifiers.SERVICE_ACCOUNT.upper()),
        Foreign("audience", 700212, changes={"audience": "api://elsewhere"}),
        Foreign("issuer", 700211, changes={"issuer": "https://other.example/"}),
        Foreign("expired", 700024, changes={"lifetime": -3600.0}),
    ],
    ids=lambda foreign: foreign.wrong,
)
def test_a_wrong_federated_assertion_is_refused(foreign: Foreign, ask_token: Ask, emulators: Emulators) -> None:
    """Issuer, subject and audience must be exactly those of a federated credential."""
    issuer = emulators.issuers.get(identifiers.CLUSTER_ISSUER)
    response = ask_token(
        client_id=identifiers.WORKLOAD_CLIENT_ID,
        client_secret=None,
        client_assertion=issuer.assertion(foreign.subject, **foreign.changes),  # type: ignore[arg-type]
        client_assertion_type=client_assertions.TYPE,
    )
    assert (response.status_code, response.get_json()["error_codes"]) == (401, [foreign.code])


def test_a_federated_assertion_of_a_foreign_key_is_refused(ask_token: Ask, emulators: Emulators) -> None:
    """An issuer that merely claims to be the cluster's has another key."""
    emulators.issuers.get(identifiers.CLUSTER_ISSUER)
    impostor = emulators.issuers.get("https://impostor.example/")
    response = ask_token(
        client_id=identifiers.WORKLOAD_CLIENT_ID,
        client_secret=None,
        client_assertion=impostor.assertion(identifiers.SERVICE_ACCOUNT, issuer=identifiers.CLUSTER_ISSUER),
        client_assertion_type=client_assertions.TYPE,
    )
    assert (response.status_code, response.get_json()["error_codes"]) == (401, [50012])


def test_an_application_may_be_federated_with_any_issuer(
    ask_token: Ask, emulators: Emulators, application: Application
) -> None:
    """A pipeline's own issuer, subject and audience are one entry in the directory."""
    issuer = emulators.issuers.get("https://token.actions.githubusercontent.com")
    subject = "repo:contoso/shop:ref:refs/heads/main"
    emulators.directory.replace(application, federated_credentials=(FederatedCredential(issuer.url, subject),))
    response = ask_token(
        client_secret=None, client_assertion=issuer.assertion(subject), client_assertion_type=client_assertions.TYPE
    )
    assert claims_of(response)["appid"] == application.client_id
    [entry] = emulators.journal.requests()
    assert entry.provider == "workload-identity"
    assert entry.answered
