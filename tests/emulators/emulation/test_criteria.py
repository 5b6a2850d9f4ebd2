"""Criteria that choose requests, by the journal and by faults: whatever no request can have is an error."""

from typing import Any

import pytest

from azcred_emulators.emulation.journal import Journal
from azcred_emulators.emulation.recorder import Recorder
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import ENVIRONMENTS
from azcred_emulators.faults import Status
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

VAULT = "https://vault.azure.net"


@pytest.mark.parametrize(
    ("criterion", "sentence"),
    [
        ({"provider": "managed-identty"}, "there is no provider 'managed-identty'; did you mean 'managed-identity'?"),
        ({"provider": "imds"}, "there is no provider 'imds'; there are azure-cli, azure-developer-cli"),
        ({"host": "appservice"}, "there is no host 'appservice'; did you mean 'app-service'?"),
        ({"host": "authority"}, "there is no host 'authority'; there are app-service"),
        ({"emulator": "autority"}, "there is no emulator 'autority'; did you mean 'authority'?"),
        ({"operation": "tokens"}, "there is no operation 'tokens'; did you mean 'token'?"),
        ({"grant": "refresh-token"}, "there is no grant 'refresh-token'; did you mean 'refresh_token'?"),
        ({"fault": "Throtle"}, "there is no fault 'Throtle'; did you mean 'Throttle'?"),
        ({"status": "200"}, "the status of a request is a whole number or None, not '200'"),
        ({"status": True}, "the status of a request is a whole number or None, not True"),
        ({"answered": 1}, "the answered of a request is True or False, not 1"),
        ({"tenant": 7}, "the tenant of a request is text or None, not 7"),
        ({"emulator": None}, "the emulator of a request is text, not None"),
        ({"claims": "aud"}, "the claims of a request is a mapping or None, not 'aud'"),
        ({"resource": f"{VAULT}/.default"}, f"a resource has no scope's suffix '/.default': write resource='{VAULT}'"),
        ({"resource": f"{VAULT}//.default"}, f"write resource='{VAULT}'"),
    ],
    ids=repr,
)
def test_a_value_that_no_request_has(azcred: Azcred, criterion: dict[str, object], sentence: str) -> None:
    """It would make an assertion pass that expects nothing; the error names the value and the nearest."""
    place = azcred.environment("virtual-machine")
    for choose in (
        azcred.journal.requests,
        place.requests,
        lambda **criteria: azcred.journal.assert_requests(times=0, **criteria),
        lambda **criteria: azcred.journal.assert_tokens(times=0, **criteria),
    ):
        with pytest.raises(ValueError) as error:  # noqa: PT011  # the sentence is compared below
            choose(**criterion)
        assert sentence in str(error.value)


def test_a_provider_that_does_not_exist(azcred: Azcred) -> None:
    """The order of providers is of those that there are."""
    with pytest.raises(ValueError, match="there is no provider 'managed-identty'; did you mean 'managed-identity'"):
        azcred.journal.assert_providers("environment", "managed-identty")
    azcred.journal.assert_providers()


def test_a_slash_at_the_end_of_a_resource(azcred: Azcred, fake_managed_identity: Place) -> None:
    """Clients write both, so it makes no difference, to the journal and to faults."""
    from azure.identity import ManagedIdentityCredential

    fake_managed_identity.faults.add(Status(404), resource=f"{VAULT}/", operation="token")
    fake_managed_identity.faults.add(Status(404), resource=VAULT, operation="token")
    credential = ManagedIdentityCredential(retry_total=2, retry_backoff_factor=0)
    with azcred.clock.skip_waits():
        assert credential.get_token(f"{VAULT}//.default").token
    azcred.journal.assert_requests(resource=VAULT, times=3)
    azcred.journal.assert_requests(resource=f"{VAULT}/", status=404, times=2)
    azcred.journal.assert_tokens(resource=f"{VAULT}/", times=1)


@pytest.mark.parametrize(
    ("criterion", "sentence"),
    [
        ({"operation": "devicecode"}, "there is no operation 'devicecode'; there are probe, token"),
        ({"provider": "managed"}, "there is no provider 'managed'; did you mean 'managed-identity'?"),
        ({"resource": f"{VAULT}/.default"}, f"write resource='{VAULT}'"),
        ({"grant": "code"}, "there is no grant 'code'"),
    ],
    ids=repr,
)
def test_a_fault_for_requests_that_never_come(azcred: Azcred, criterion: dict[str, Any], sentence: str) -> None:
    """The operations are those of the emulator itself."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the sentence is compared below
        azcred.faults_of("imds").add(Status(500), **criterion)
    assert sentence in str(error.value)
    assert not azcred.faults_of("imds")


def test_what_a_request_may_lack_can_be_chosen_by(azcred: Azcred) -> None:
    """None stands for a request without such a field."""
    azcred.faults_of("graph").add(Status(500), provider=None, grant=None, optional=True)
    azcred.journal.assert_requests(times=0, provider=None, host=None, grant=None, fault=None)


def test_the_lists_are_complete(emulators: Emulators) -> None:
    """Every provider and host of the table of environments is in them, and a test's own kind of fault."""

    class Flaky(Status):
        """A kind that only this test has."""

    fault = emulators.vocabulary("fault")
    places = ENVIRONMENTS.values()
    assert set(emulators.vocabulary("provider")) == {place.provider for place in places if place.provider}
    assert set(emulators.vocabulary("host")) == {place.host for place in places if place.host}
    assert {"Flaky", "Status", "Exit"} <= set(fault)
    assert {"Fault", "RequestFault", "NetworkFault"}.isdisjoint(fault)


def test_a_journal_of_its_own_checks_names_and_types() -> None:
    """It works before there are emulators; which values there are it cannot know."""
    journal = Journal(Recorder())
    assert journal.requests(provider="anything") == []
    with pytest.raises(ValueError, match="the number of a request is a whole number, not 'one'"):
        journal.requests(number="one")
