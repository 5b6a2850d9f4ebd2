"""A pod with an identity binding asks through AKS's token proxy: azure-identity's credential and ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError
from credentials.implementations import Implementation, kind_of
from support.entra import VAULT, claims_of

from azcred_emulators.faults import Status
from azcred_emulators.serving.tls import CertificateAuthority
from pytest_azcred.azcred import Azcred
from pytest_azcred.credentials import WorkloadIdentityCredential
from pytest_azcred.credentials.token_proxy import through_proxy
from pytest_azcred.place import Place

SCOPE = f"{VAULT}/.default"


@pytest.fixture
def pod(azcred: Azcred) -> Place:
    """A pod whose identity is bound."""
    return azcred.environment("kubernetes-identity-binding")


def test_a_token_through_the_proxy(azcred: Azcred, package: Implementation, pod: Place) -> None:
    """One request, to the proxy alone; the token is kept."""
    credential = package.WorkloadIdentityCredential(enable_azure_proxy=True)
    assert claims_of(credential.get_token(SCOPE).token)["appid"] == pod.identity.client_id
    credential.get_token(SCOPE)
    assert [(entry.host, entry.path) for entry in azcred.journal.requests()] == [
        ("identity-binding", f"/{pod.identity.tenant_id}/oauth2/v2.0/token")
    ]


def test_only_whoever_wants_it_asks_the_proxy(azcred: Azcred, package: Implementation, pod: Place) -> None:
    """By default Entra ID is asked, which does not know the pod's token. So it is in the default chain."""
    with pytest.raises(ClientAuthenticationError, match="AADSTS7002"):
        package.WorkloadIdentityCredential().get_token(SCOPE)
    with pytest.raises(ClientAuthenticationError, match="AADSTS7002"):
        package.DefaultAzureCredential(enable_azure_proxy=True).get_token(SCOPE)
    assert {entry.host for entry in azcred.journal.requests()} == {None}


def test_without_the_proxys_variables(azcred: Azcred, package: Implementation) -> None:
    """Entra ID is asked."""
    place = azcred.environment("kubernetes")
    token = package.WorkloadIdentityCredential(enable_azure_proxy=True).get_token(SCOPE)
    assert claims_of(token.token)["appid"] == place.identity.client_id


def test_a_server_error_is_retried(package: Implementation, pod: Place) -> None:
    """At the same address, not below it once more."""
    pod.faults.add(Status(503), times=2)
    package.WorkloadIdentityCredential(enable_azure_proxy=True, retry_backoff_factor=0).get_token(SCOPE)
    assert pod.statuses == [503, 503, 200]
    assert len({entry.path for entry in pod.requests()}) == 1


def test_a_refusal(package: Implementation, pod: Place, azcred: Azcred) -> None:
    """In the proxy's words, a failure."""
    azcred.directory.unassign("identity-binding", *azcred.directory.assigned("identity-binding"))
    with pytest.raises(ClientAuthenticationError, match="may not use this identity") as raised:
        package.WorkloadIdentityCredential(enable_azure_proxy=True).get_token(SCOPE)
    assert kind_of(raised.value) == "failed"


def test_the_authority_in_a_file(
    package: Implementation, pod: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read again when it has changed, and kept while it is gone."""
    file = tmp_path / "ca.crt"
    right = os.environ["AZURE_KUBERNETES_CA_DATA"]
    file.write_text(CertificateAuthority().pem)
    monkeypatch.delenv("AZURE_KUBERNETES_CA_DATA")
    monkeypatch.setenv("AZURE_KUBERNETES_CA_FILE", str(file))
    credential = package.WorkloadIdentityCredential(enable_azure_proxy=True, retry_total=0)
    with pytest.raises(AzureError, match="certificate") as raised:  # azure-identity: the transport's own error
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == ("failed" if package.is_ours else "ServiceRequestError")
    assert pod.requests() == []
    file.write_text(right)
    os.utime(file, (1, 1))  # another time than before, for whoever looks at that
    credential.get_token(SCOPE)
    file.unlink()
    credential.get_token("https://graph.microsoft.com/.default")
    assert pod.statuses == [200, 200]


WRONG: dict[str, dict[str, str]] = {
    "no proxy, but a name": {"AZURE_KUBERNETES_TOKEN_PROXY": "", "AZURE_KUBERNETES_CA_DATA": ""},
    "no proxy, but an authority": {"AZURE_KUBERNETES_TOKEN_PROXY": "", "AZURE_KUBERNETES_SNI_NAME": ""},
    "two authorities": {"AZURE_KUBERNETES_CA_FILE": "/nowhere/ca.crt"},
    "an authority that is not there": {"AZURE_KUBERNETES_CA_FILE": "/nowhere/ca.crt", "AZURE_KUBERNETES_CA_DATA": ""},
    "not https": {"AZURE_KUBERNETES_TOKEN_PROXY": "http://localhost:4711/proxy"},
    "a user": {"AZURE_KUBERNETES_TOKEN_PROXY": "https://user:password@localhost:4711/proxy"},
    "a query": {"AZURE_KUBERNETES_TOKEN_PROXY": "https://localhost:4711/proxy?tenant=1"},
    "a fragment": {"AZURE_KUBERNETES_TOKEN_PROXY": "https://localhost:4711/proxy#1"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_variables_that_make_no_sense(
    package: Implementation, pod: Place, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """The app learns it when it starts."""
    for name, value in WRONG[wrong].items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)
    with pytest.raises(ValueError, match=r".") as raised:
        package.WorkloadIdentityCredential(enable_azure_proxy=True)
    assert "password@" not in str(raised.value) or not package.is_ours


@pytest.mark.parametrize("data", ["no certificate", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"])
def test_an_authority_that_is_no_certificate(
    package: Implementation, pod: Place, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    """Ours says which variable it is; azure-identity lets the parser's own error out."""
    monkeypatch.setenv("AZURE_KUBERNETES_CA_DATA", data)
    with pytest.raises(Exception, match="AZURE_KUBERNETES_CA_DATA" if package.is_ours else r".") as raised:
        package.WorkloadIdentityCredential(enable_azure_proxy=True)
    assert isinstance(raised.value, ValueError if package.is_ours else OSError)


def test_an_empty_file(tmp_path: Path, pod: Place, package: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    """No authority at all must not become any authority."""
    (tmp_path / "ca.crt").write_text("")
    monkeypatch.delenv("AZURE_KUBERNETES_CA_DATA")
    monkeypatch.setenv("AZURE_KUBERNETES_CA_FILE", str(tmp_path / "ca.crt"))
    with pytest.raises(ValueError, match="is empty"):
        package.WorkloadIdentityCredential(enable_azure_proxy=True)


def test_an_authority_with_a_path() -> None:
    """It is asked for below the proxy's own."""
    variables = {"AZURE_KUBERNETES_TOKEN_PROXY": "https://proxy.local/tokens/"}
    settings = through_proxy(variables, "https://login.example.com/cloud", {})
    settings["transport"].close()
    assert settings["authority"] == "https://proxy.local/tokens/cloud"


def test_the_machines_own_authorities_are_not_trusted(
    azcred: Azcred, pod: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has a certificate of one of those is not the proxy."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(azcred.certificate("localhost")[0]))
    monkeypatch.setenv("AZURE_KUBERNETES_CA_DATA", CertificateAuthority().pem)
    with (
        WorkloadIdentityCredential(enable_azure_proxy=True, retry_total=0) as credential,
        pytest.raises(ClientAuthenticationError, match="certificate"),
    ):
        credential.get_token(SCOPE)
    assert pod.requests() == []
