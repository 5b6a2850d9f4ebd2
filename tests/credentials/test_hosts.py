"""Every host of managed identity: azure-identity's credential and ours, against the emulated hosts."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.implementations import Implementation, asked, kind_of
from support.entra import VAULT, claims_of

from azcred_emulators.directory import ManagedIdentity, contoso, identifiers
from azcred_emulators.faults import BadChallenge, CaptivePortal, Hang, MissingField, NotJson, Status
from azcred_emulators.hosts.azure_arc import AzureArc
from azcred_emulators.hosts.challenges import CHALLENGE_DEFECTS, ChallengeDefect
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import ManagedIdentityCredential
from pytest_azcred.credentials.hosts import azure_arc, service_fabric
from pytest_azcred.place import Place

pytestmark = pytest.mark.slow

SCOPE = f"{VAULT}/.default"
HOSTS = ["app-service", "azure-arc", "container-apps", "functions", "machine-learning", "service-fabric"]
SELECTORS: dict[str, Any] = {
    "client id": lambda identity: {"client_id": identity.client_id},
    "object id": lambda identity: {"identity_config": {"object_id": identity.object_id}},
    "resource id": lambda identity: {"identity_config": {"resource_id": identity.resource_id}},
}


def orders(azcred: Azcred, host: str) -> ManagedIdentity:
    """Assign a user-assigned identity to a host, besides its own."""
    resource_id = f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders"
    identity = azcred.directory.add(
        ManagedIdentity(name="orders", tenant_id=contoso.TENANT.id, resource_id=resource_id)
    )
    azcred.directory.assign(host, identity)
    return identity


def tokens(place: Place) -> list[tuple[str | None, str | None, int | None]]:
    """Return what a host was asked for: the operation, whose token, and the status of the answer."""
    return [(entry.operation, entry.identity, entry.status) for entry in place.requests()]


@pytest.mark.parametrize("name", HOSTS)
def test_a_token(azcred: Azcred, package: Implementation, name: str) -> None:
    """It is the host's identity's, it is kept, and it is renewed when its time has come."""
    place = azcred.environment(name)
    credential = package.ManagedIdentityCredential()
    token = credential.get_token(SCOPE)
    assert claims_of(token.token)["appid"] == place.identity.client_id
    assert credential.get_token(SCOPE).token == token.token
    once = [("challenge", place.identity.name, 401)] if name == "azure-arc" else []
    once.append(("token", place.identity.name, 200))
    assert tokens(place) == once
    assert place.requests()[-1].resource == VAULT
    azcred.clock.advance(hours=25)
    assert credential.get_token(SCOPE).token != token.token
    assert tokens(place) == once * 2


@pytest.mark.parametrize("name", [*HOSTS, "cloud-shell", "kubernetes", "virtual-machine"])
def test_in_the_default_chain(azcred: Azcred, package: Implementation, name: str) -> None:
    """Nothing is configured, and nobody else is asked."""
    place = azcred.environment(name)
    claims = claims_of(package.DefaultAzureCredential().get_token(SCOPE).token)
    if name == "cloud-shell":
        assert claims["oid"] == place.user.object_id
    else:
        assert claims["appid"] == place.identity.client_id
    assert [request for request in azcred.journal.requests() if request not in place.requests()] == []


def test_a_long_lived_token_is_due_halfway(azcred: Azcred, package: Implementation) -> None:
    """Although the host does not say so."""
    azcred.environment("app-service")
    info = package.ManagedIdentityCredential().get_token_info(SCOPE)
    assert abs(info.expires_on - info.refresh_on - 43200) <= 5


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("name", ["app-service", "azure-arc", "machine-learning"])
def test_a_user_assigned_identity(azcred: Azcred, package: Implementation, name: str, selector: str) -> None:
    """By each of its names, as far as the host knows them; the host's own identity is never used instead."""
    place = azcred.environment(name)
    identity = orders(azcred, name)
    credential = package.ManagedIdentityCredential(**SELECTORS[selector](identity))
    if name == "machine-learning" and selector != "client id":  # which knows it by no other
        with pytest.raises(Exception, match=r".") as raised:  # the test below says what each raises
            credential.get_token(SCOPE)
        assert kind_of(raised.value) != "unavailable"
        assert tokens(place) == [("token", None, 404)]
    else:
        assert claims_of(credential.get_token(SCOPE).token)["appid"] == identity.client_id
        assert place.requests()[-1].identity == "orders"


@pytest.mark.parametrize("name", ["app-service", "azure-arc"])
def test_an_identity_that_the_host_does_not_have(azcred: Azcred, package: Implementation, name: str) -> None:
    """Unavailable, in the host's words."""
    place = azcred.environment(name)
    words = {"app-service": "No User Assigned or Delegated Managed Identity found", "azure-arc": "Identity not found"}
    with pytest.raises(ClientAuthenticationError, match=words[name]) as raised:
        package.ManagedIdentityCredential(client_id=identifiers.WORKLOAD_CLIENT_ID).get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"
    assert place.statuses == [400]


def test_a_host_without_any_identity(azcred: Azcred, package: Implementation) -> None:
    """Unavailable, too."""
    azcred.environment("app-service")
    azcred.directory.unassign("app-service", *azcred.directory.assigned("app-service"))
    with pytest.raises(ClientAuthenticationError, match="Unable to load the proper Managed Identity") as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"


@pytest.mark.parametrize("name", ["app-service", "service-fabric"])
def test_a_wrong_secret(azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Unavailable, and the secret is not repeated."""
    azcred.environment(name)
    monkeypatch.setenv("IDENTITY_HEADER", "wrong-secret")
    with pytest.raises(ClientAuthenticationError, match=r"[Ss]ecret") as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"
    assert "wrong-secret" not in str(raised.value)


@pytest.mark.parametrize("claims", ["{}", '{"access_token": {"nbf": {"value": "1"}}}'])
@pytest.mark.parametrize("name", ["app-service", "service-fabric"])
def test_claims_bypass_the_cache(azcred: Azcred, package: Implementation, name: str, claims: str) -> None:
    """Service Fabric is told which token a service has refused, and makes a new one; others have no way to know."""
    place = azcred.environment(name)
    credential = package.ManagedIdentityCredential()
    first = credential.get_token(SCOPE)
    second = credential.get_token(SCOPE, claims=claims)
    assert (first.token != second.token) == (name == "service-fabric")
    assert tokens(place) == [("token", place.identity.name, 200)] * 2


def test_claims_before_there_is_any_token(azcred: Azcred, package: Implementation) -> None:
    """Service Fabric cannot be told which one was refused."""
    place = azcred.environment("service-fabric")
    token = package.ManagedIdentityCredential().get_token(SCOPE, claims="{}")
    assert claims_of(token.token)["appid"] == place.identity.client_id


@pytest.mark.parametrize("name", ["app-service", "machine-learning", "cloud-shell"])
def test_a_server_error_is_retried(azcred: Azcred, package: Implementation, name: str) -> None:
    """Three times."""
    place = azcred.environment(name)
    place.faults.add(Status(500, body={"message": "try again"}), times=3)
    package.ManagedIdentityCredential(retry_backoff_factor=0).get_token(SCOPE)
    assert place.statuses == [500, 500, 500, 200]


def test_service_fabric_is_asked_once(azcred: Azcred, package: Implementation) -> None:
    """A failure is not retried."""
    place = azcred.environment("service-fabric")
    place.faults.add(Status(500, body={"error": {"code": "InternalServerError", "message": "Oh."}}))
    with pytest.raises(ClientAuthenticationError, match=r"Oh\.") as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"
    assert place.statuses == [500]


@pytest.mark.parametrize("name", ["app-service", "machine-learning", "service-fabric"])
def test_an_answer_without_a_token(azcred: Azcred, package: Implementation, name: str) -> None:
    """Unavailable, and what there is of the answer is not repeated."""
    place = azcred.environment(name)
    place.faults.add(MissingField("access_token"))
    with pytest.raises(ClientAuthenticationError) as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"


@pytest.mark.parametrize("name", ["app-service", "machine-learning", "service-fabric", "cloud-shell"])
def test_an_answer_that_is_not_json(azcred: Azcred, package: Implementation, name: str) -> None:
    """A failure; azure-identity lets the parser's own error out. From Cloud Shell, which knows better, unavailable."""
    place = azcred.environment(name)
    place.faults.add(CaptivePortal())
    with pytest.raises((ClientAuthenticationError, ValueError)) as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    expected = "failed" if package.is_ours else "JSONDecodeError"
    assert kind_of(raised.value) == ("unavailable" if name == "cloud-shell" else expected)


@pytest.mark.parametrize("name", ["app-service", "azure-arc", "machine-learning", "service-fabric", "cloud-shell"])
def test_json_that_was_cut_off(azcred: Azcred, name: str) -> None:
    """A failure that does not repeat it, for it may be most of a token; azure-identity's error holds it."""
    place = azcred.environment(name)
    place.faults.add(NotJson())
    with ManagedIdentityCredential() as credential, pytest.raises(ClientAuthenticationError) as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert "ey" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_refusal_in_plain_text(azcred: Azcred, package: Implementation) -> None:
    """So Azure ML refuses: azure-identity lets the parser's own error out, and ours says what it is about."""
    azcred.environment("machine-learning")
    azcred.directory.unassign("machine-learning", *azcred.directory.assigned("machine-learning"))
    with pytest.raises((ClientAuthenticationError, ValueError)) as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    if package.is_ours:
        assert kind_of(raised.value) == "failed"
        assert "Azure ML answered 404" in str(raised.value)
    else:
        assert kind_of(raised.value) == "JSONDecodeError"


@pytest.mark.parametrize("variable", ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"])
def test_nobody_answers(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A failure: the variables say that there is a host. azure-identity lets the transport's own error out."""
    monkeypatch.setenv(variable, "http://127.0.0.1:9/token")
    monkeypatch.setenv("IDENTITY_HEADER" if variable == "IDENTITY_ENDPOINT" else "MSI_SECRET", "secret")
    with pytest.raises(Exception, match="refused") as raised:
        package.ManagedIdentityCredential(retry_total=0).get_token(SCOPE)
    assert kind_of(raised.value) == ("failed" if package.is_ours else "ServiceRequestError")


def test_only_an_endpoint(azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which host that is cannot be told, so it is unavailable."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://localhost:4711")
    with pytest.raises(ClientAuthenticationError) as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"


def test_the_old_app_service(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until 2019 it gave the expiry as a date, which azure-identity's sync half cannot read."""
    place = azcred.environment("app-service")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name)
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(SCOPE)
    assert claims_of(token.token)["exp"] == token.expires_on
    assert tokens(place) == [("token", place.identity.name, 200)]


# Azure Arc


@pytest.mark.parametrize("defect", CHALLENGE_DEFECTS)
def test_a_bad_challenge(azcred: Azcred, package: Implementation, defect: ChallengeDefect) -> None:
    """It fails, and no key is sent; where the key is wrong, the identity is unavailable."""
    place = azcred.environment("azure-arc")
    place.faults.add(BadChallenge(defect))
    with pytest.raises((ClientAuthenticationError, OSError)) as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    if defect == "wrong-key":
        assert kind_of(raised.value) == "unavailable"
        assert place.statuses == [401, 401]
    else:
        assert kind_of(raised.value) in ("failed", "FileNotFoundError")
        assert kind_of(raised.value) == "failed" or not package.is_ours
        assert place.statuses == [401]


def test_an_agent_that_does_not_know_user_assigned_identities(azcred: Azcred, package: Implementation) -> None:
    """Its token is another identity's, so it is not used."""
    place = azcred.environment("azure-arc")
    host = azcred.hosts["azure-arc"]
    assert isinstance(host, AzureArc)
    host.supports_user_assigned = False
    with pytest.raises(ClientAuthenticationError, match="user-assigned") as raised:
        package.ManagedIdentityCredential(client_id=orders(azcred, "azure-arc").client_id).get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert place.statuses == [401, 200]


def test_an_agent_that_does_not_challenge(azcred: Azcred, package: Implementation) -> None:
    """Unavailable: whoever answers there is not the agent."""
    place = azcred.environment("azure-arc")
    place.faults.add(Status(200, body={"access_token": "stranger", "expires_in": "3600"}))
    with pytest.raises(ClientAuthenticationError) as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"
    assert place.statuses == [200]


def test_azure_arc_elsewhere(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours fails where the agent does not exist, and finds its folder on Windows."""
    azcred.environment("azure-arc")
    monkeypatch.setattr(sys, "platform", "darwin")
    with ManagedIdentityCredential() as credential, pytest.raises(ClientAuthenticationError, match="on darwin"):
        credential.get_token(SCOPE)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("PROGRAMDATA", "/data")
    assert azure_arc._folder().as_posix() == "/data/AzureConnectedMachineAgent/Tokens"


# Service Fabric


@pytest.mark.parametrize("selector", SELECTORS)
def test_the_cluster_chooses_the_identity(azcred: Azcred, package: Implementation, selector: str) -> None:
    """To name one is a failure, and nothing is sent."""
    azcred.environment("service-fabric")
    identity = orders(azcred, "service-fabric")
    with pytest.raises(ClientAuthenticationError) as raised:
        package.ManagedIdentityCredential(**SELECTORS[selector](identity)).get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert asked(azcred) == []


@pytest.mark.parametrize("form", ["colons", "spaces", "lower"])
def test_the_thumbprint_as_people_write_it(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """As Windows and OpenSSL print it."""
    place = azcred.environment("service-fabric")
    thumbprint = azcred.hosts["service-fabric"].machine.thumbprint
    pairs = [thumbprint[i : i + 2] for i in range(0, 40, 2)]
    written = {"colons": ":".join(pairs), "spaces": " ".join(pairs), "lower": thumbprint.lower()}
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", written[form])
    token = package.ManagedIdentityCredential().get_token(SCOPE)
    assert claims_of(token.token)["appid"] == place.identity.client_id


@pytest.mark.parametrize("thumbprint", ["0" * 40, "0" * 39, "not a thumbprint"])
def test_another_certificate(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch, thumbprint: str
) -> None:
    """The secret is not sent to whoever has it; azure-identity lets the transport's own error out."""
    azcred.environment("service-fabric")
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", thumbprint)
    with pytest.raises(Exception, match=r"(?i)thumbprint|fingerprint") as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    expected = "failed" if package.is_ours or thumbprint != "0" * 40 else "SSLError"
    assert kind_of(raised.value) == expected
    assert asked(azcred) == []


def test_our_timeouts_hold_there_too(azcred: Azcred) -> None:
    """An endpoint that hangs is given up."""
    place = azcred.environment("service-fabric")
    place.faults.add(Hang(), optional=True)  # a busy machine may not have taken the request in by then
    with (
        ManagedIdentityCredential(read_timeout=0.2) as credential,
        pytest.raises(ClientAuthenticationError, match=r"Service Fabric did not answer: .*read timeout=0\.2"),
    ):
        credential.get_token(SCOPE)


def test_an_endpoint_that_is_not_https(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure, and the secret is not sent."""
    azcred.environment("service-fabric")
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://localhost:4711/token")
    with pytest.raises(ClientAuthenticationError, match=r"(?i)https") as raised:
        package.ManagedIdentityCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "failed"


def test_a_certificate_that_is_trusted_is_not_enough(azcred: Azcred) -> None:
    """Nor does it help to ask for verification: the thumbprint decides."""
    azcred.environment("service-fabric")
    with service_fabric.pinned("0" * 40) as transport:
        session = transport.session
        assert session is not None
        with pytest.raises(Exception, match=r"(?i)fingerprint"):
            session.get(os.environ["IDENTITY_ENDPOINT"], verify=True)


# Cloud Shell


def test_a_users_token(azcred: Azcred, package: Implementation) -> None:
    """Asked for with a form, and kept."""
    place = azcred.environment("cloud-shell")
    credential = package.ManagedIdentityCredential()
    claims = claims_of(credential.get_token(SCOPE).token)
    assert (claims["oid"], claims["aud"]) == (place.user.object_id, VAULT)
    credential.get_token(SCOPE)
    assert [(entry.method, entry.status) for entry in place.requests()] == [("POST", 200)]


@pytest.mark.parametrize("selector", SELECTORS)
def test_cloud_shell_has_no_identities(azcred: Azcred, package: Implementation, selector: str) -> None:
    """The app learns it when it starts."""
    azcred.environment("cloud-shell")
    identity = orders(azcred, "cloud-shell")
    with pytest.raises(ValueError, match=r"."):
        package.ManagedIdentityCredential(**SELECTORS[selector](identity))


def test_cloud_shell_is_told_of_one_by_the_default_chain(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable may be meant for another link. It refuses, and the chain ends there."""
    place = azcred.environment("cloud-shell")
    monkeypatch.setenv("AZURE_CLIENT_ID", identifiers.WORKLOAD_CLIENT_ID)
    with pytest.raises(ClientAuthenticationError, match="no managed identities to choose from"):
        package.DefaultAzureCredential().get_token(SCOPE)
    assert place.statuses == [400]


def test_an_audience_that_cloud_shell_does_not_know(azcred: Azcred, package: Implementation) -> None:
    """A failure, in its words."""
    azcred.environment("cloud-shell")
    with pytest.raises(ClientAuthenticationError, match="AudienceNotSupported") as raised:
        package.ManagedIdentityCredential().get_token("https://cosmos.azure.com/.default")
    assert kind_of(raised.value) == "failed"


# Workload identity


def test_a_pod(azcred: Azcred, package: Implementation) -> None:
    """The webhook's variables say that there is a workload identity."""
    place = azcred.environment("kubernetes")
    token = package.ManagedIdentityCredential().get_token(SCOPE)
    assert claims_of(token.token)["appid"] == place.identity.client_id
    azcred.journal.assert_tokens(provider="workload-identity", times=1)


def test_a_pod_that_does_not_say_which_application_it_is(
    azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app learns it when it starts, but may say so itself."""
    place = azcred.environment("kubernetes")
    monkeypatch.delenv("AZURE_CLIENT_ID")
    with pytest.raises(ValueError, match="client"):
        package.ManagedIdentityCredential()
    token = package.ManagedIdentityCredential(client_id=place.identity.client_id).get_token(SCOPE)
    assert claims_of(token.token)["appid"] == place.identity.client_id
