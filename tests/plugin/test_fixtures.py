"""The fixtures as an app's test suite uses them, with azure-identity's chain and ours."""

import os
from collections.abc import Callable
from typing import Any

import azure.identity
import jwt
import pytest

import pytest_azcred.credentials
from azcred_emulators.directory import Application
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

STORAGE = "https://storage.azure.com/.default"


@pytest.fixture(params=[azure.identity, pytest_azcred.credentials], ids=["azure-identity", "ours"])
def chain(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """The DefaultAzureCredential of each library."""
    credential: Callable[[], Any] = request.param.DefaultAzureCredential
    return credential


def client_id_of(token: str) -> object:
    """Read whose token it is."""
    return jwt.decode(token, options={"verify_signature": False})["appid"]


@pytest.mark.parametrize(
    ("fixture", "provider"),
    [
        ("fake_managed_identity", "managed-identity"),
        ("fake_service_principal", "environment"),
        ("fake_workload_identity", "workload-identity"),
    ],
)
def test_the_right_provider_wins(
    fixture: str, provider: str, chain: Callable[[], Any], azcred: Azcred, request: pytest.FixtureRequest
) -> None:
    """Each fixture is a place where one provider has an identity, and the token is that identity's."""
    place: Place = request.getfixturevalue(fixture)
    with chain() as credential:
        token = credential.get_token(STORAGE).token
    assert client_id_of(token) == place.identity.client_id
    assert place.requests()[-1].resource == "https://storage.azure.com"
    assert place.requests()[-1].identity == place.identity.name
    azcred.journal.assert_tokens(provider=provider, times=1)
    azcred.journal.assert_tokens(times=1)


def test_statuses_read_like_the_story(fake_managed_identity: Place, chain: Callable[[], Any]) -> None:
    """A chain probes IMDS without the header, then asks."""
    with chain() as credential:
        credential.get_token(STORAGE)
    assert fake_managed_identity.statuses == [400, 200]


def test_a_rotated_secret_fails_until_the_variables_follow(
    fake_service_principal: Place, chain: Callable[[], Any], azcred: Azcred, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token service checks the secret; a failure of the environment's credential ends the chain."""
    from azure.core.exceptions import ClientAuthenticationError

    application = fake_service_principal.identity
    assert isinstance(application, Application)
    old = os.environ["AZURE_CLIENT_SECRET"]
    azcred.directory.replace(application, secrets=())
    with chain() as credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215") as failure:
        credential.get_token(STORAGE)
    assert old not in str(failure.value)
    assert fake_service_principal.statuses == [401]
    azcred.directory.replace(application, secrets=application.secrets)
    with chain() as credential:
        assert client_id_of(credential.get_token(STORAGE).token) == application.client_id


def test_environments_compose(azcred: Azcred, chain: Callable[[], Any]) -> None:
    """A machine with both is decided by the chain's order."""
    azcred.environment("virtual-machine", "developer-service-principal")
    with chain() as credential:
        credential.get_token(STORAGE)
    azcred.journal.assert_tokens(provider="environment", times=1)
    azcred.journal.assert_tokens(provider="managed-identity", times=0)


def test_fixtures_compose(fake_managed_identity: Place, fake_service_principal: Place) -> None:
    """Two places in one test are one machine with two identities."""
    with azure.identity.DefaultAzureCredential() as credential:
        credential.get_token(STORAGE)
    assert [entry.status for entry in fake_service_principal.requests()] == [200]
    assert fake_managed_identity.requests() == []


def test_without_an_environment_there_is_no_identity(azcred: Azcred, chain: Callable[[], Any]) -> None:
    """The fixture alone isolates: nothing is found, nothing is asked."""
    from azure.core.exceptions import ClientAuthenticationError

    with chain() as credential, pytest.raises(ClientAuthenticationError, match="failed to retrieve a token"):
        credential.get_token(STORAGE)
    assert azcred.journal.requests() == []


def test_an_unknown_environment_is_answered_with_the_nearest(azcred: Azcred) -> None:
    """A misspelt name costs no search."""
    with pytest.raises(LookupError, match="there is no environment 'kubernets'; did you mean 'kubernetes'"):
        azcred.environment("kubernets")
    with pytest.raises(LookupError, match="there are nothing, virtual-machine"):
        azcred.environment("zzz")
    with pytest.raises(TypeError, match="takes at least one name"):
        azcred.environment()


def test_a_place_without_identity_says_so(azcred: Azcred, fake_managed_identity: Place) -> None:
    """Both where there never was one and where the test has removed it."""
    with pytest.raises(LookupError, match="environment 'nothing' has no identity"):
        _ = azcred.environment("nothing").identity
    azcred.directory.remove(fake_managed_identity.identity)
    with pytest.raises(LookupError, match="environment 'virtual-machine' has no identity"):
        _ = fake_managed_identity.identity


def test_nothing_of_one_test_is_left_for_the_next(azcred: Azcred) -> None:
    """Run in any order with the tests above: directory, journal and variables are as at the start."""
    assert azcred.journal.requests() == []
    assert len(azcred.directory.assigned("imds")) == 1
    assert not {name for name in os.environ if name.startswith(("AZURE_CLIENT", "AZURE_TENANT"))}
